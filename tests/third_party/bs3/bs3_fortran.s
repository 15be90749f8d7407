/* bs3_fortran.s: the structures of tableau.h and plugin.h around the numbers of bs3_fortran.f90, and
 * the note. As both headers are frozen, they stay as they are. For every machine of 64 bits whose
 * assembler is GNU's. */
    .section .data.rel.ro, "aw"
    .balign 8
tableau:
    .long tableau_end - tableau, 1   /* struct_size; flags: FSAL */
    .long 4, 3, 2, 0, 0              /* stages, order, embedded_order, n_more_estimates, estimate_rule */
    .long 0, 0, 0                    /* dense_stages, interp_degree, interp_order */
    .quad 0                          /* filter_gamma */
    .quad bs3_a, bs3_b, bs3_c, bs3_b_hat
    .quad 0, 0, 0, 0, 0              /* more_b_hat, more_orders, interp, dense_a, dense_c */
    .quad 0, 0, 0, 0, 0, 0, 0        /* a_im, b_im, c_im, b_hat_im, more_b_hat_im, interp_im, hints */
tableau_end:

component:
    .long component_end - component, 4, 1, 4 /* struct_size, kind, interface_version, interface */
    .quad id, summary, version, license, source, 0, 0 /* ... aliases, options */
    .quad tableau, 0, 0, 0           /* ops, instance_bytes, init, fini */
component_end:

components:
    .quad component, 0

    .globl odeon_plugin_v1
    .type odeon_plugin_v1, %object
    .size odeon_plugin_v1, plugin_end - odeon_plugin_v1
odeon_plugin_v1:
    .long 0x4e45444f, plugin_end - odeon_plugin_v1 /* magic, struct_size */
    .long 1, 0, 0, 0                 /* abi_major, abi_minor, host_minor_required, reserved0 */
    .quad id, version, vendor, layouts, components, 0, 0 /* name ... init, shutdown */
plugin_end:

    .section .rodata
id:
    .asciz "bs3_fortran"
summary:
    .asciz "orders 3 and 2, in Fortran"
version:
    .asciz "0.1"
license:
    .asciz "MIT"
source:
    .asciz "Bogacki, Shampine, 1989"
vendor:
    .asciz "somebody else"
/* Of the numbers of interfaces those count that the plugin has, of all plugins and of the tableau. */
layouts:
    .asciz "00000001.-.-.-.00000001"

    .section .note.odeon, "a", %note
    .balign 4
    .long 6, text_end - text, 1
    .asciz "Odeon"
    .balign 4
text:
    .asciz "abi=1.0 layouts=00000001.-.-.-.00000001 components=integrator/bs3_fortran:tableau"
    .balign 4
text_end:

    .section .note.GNU-stack, "", %progbits
