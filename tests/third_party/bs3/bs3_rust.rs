//! bs3_rust.rs: the method of bs3_c.c in Rust: rustc --crate-type cdylib -C panic=abort -O bs3_rust.rs
//! The structures are those of tableau.h and plugin.h; as both are frozen, they stay as they are.
#![no_std]
#![allow(non_upper_case_globals)]
use core::mem::size_of;
use core::ptr::null;

type Text = *const u8; // ends in a 0
type Nothing = *const u8; // a field that is not used here

#[repr(C)]
pub struct Tableau {
    struct_size: u32, flags: u32,
    stages: i32, order: i32, embedded_order: i32, n_more_estimates: i32, estimate_rule: i32,
    dense_stages: i32, interp_degree: i32, interp_order: i32,
    filter_gamma: f64,
    a: *const f64, b: *const f64, c: *const f64, b_hat: *const f64, more_b_hat: *const f64,
    more_orders: Nothing, interp: *const f64, dense_a: *const f64, dense_c: *const f64,
    a_im: *const f64, b_im: *const f64, c_im: *const f64, b_hat_im: *const f64,
    more_b_hat_im: *const f64, interp_im: *const f64,
    hints: Nothing,
}

#[repr(C)]
pub struct Component {
    struct_size: u32, kind: i32, interface_version: u32, interface: u32,
    id: Text, summary: Text, version: Text, license: Text, source: Text, aliases: Text,
    options: Nothing, ops: *const Tableau,
    instance_bytes: u64, init: Nothing, fini: Nothing,
}

#[repr(C)]
pub struct Plugin {
    magic: u32, struct_size: u32, abi_major: u32, abi_minor: u32, host_minor_required: u32, reserved0: u32,
    name: Text, version: Text, vendor: Text, layouts: Text,
    components: *const [*const Component; 2],
    init: Nothing, shutdown: Nothing,
}

/// Static data, written by nobody.
#[repr(transparent)]
pub struct Static<T>(T);
unsafe impl<T> Sync for Static<T> {}

static A: [f64; 16] = [
    0.0, 0.0, 0.0, 0.0,
    0.5, 0.0, 0.0, 0.0,
    0.0, 0.75, 0.0, 0.0,
    2.0 / 9.0, 1.0 / 3.0, 4.0 / 9.0, 0.0];
static B: [f64; 4] = [2.0 / 9.0, 1.0 / 3.0, 4.0 / 9.0, 0.0];
static B_HAT: [f64; 4] = [7.0 / 24.0, 0.25, 1.0 / 3.0, 0.125];
static C: [f64; 4] = [0.0, 0.5, 0.75, 1.0];

static TABLEAU: Static<Tableau> = Static(Tableau {
    struct_size: size_of::<Tableau>() as u32, flags: 1, stages: 4, order: 3, embedded_order: 2,
    n_more_estimates: 0, estimate_rule: 0, dense_stages: 0, interp_degree: 0, interp_order: 0,
    filter_gamma: 0.0,
    a: A.as_ptr(), b: B.as_ptr(), c: C.as_ptr(), b_hat: B_HAT.as_ptr(), more_b_hat: null(),
    more_orders: null(), interp: null(), dense_a: null(), dense_c: null(),
    a_im: null(), b_im: null(), c_im: null(), b_hat_im: null(), more_b_hat_im: null(), interp_im: null(),
    hints: null(),
});

// Kind 4 is integrator, interface 4 the tableau, version 1 of it. Of the numbers of interfaces those
// count that the plugin has; - stands for the others.
macro_rules! layouts { () => { "00000001.-.-.-.00000001" } }

static COMPONENT: Static<Component> = Static(Component {
    struct_size: size_of::<Component>() as u32, kind: 4, interface_version: 1, interface: 4,
    id: b"bs3_rust\0".as_ptr(), summary: b"orders 3 and 2, in Rust\0".as_ptr(),
    version: b"0.1\0".as_ptr(), license: b"MIT\0".as_ptr(),
    source: b"Bogacki, Shampine, 1989\0".as_ptr(), aliases: null(), options: null(), ops: &TABLEAU.0,
    instance_bytes: 0, init: null(), fini: null(),
});
static COMPONENTS: Static<[*const Component; 2]> = Static([&COMPONENT.0, null()]);

#[no_mangle]
pub static odeon_plugin_v1: Static<Plugin> = Static(Plugin {
    magic: 0x4e45444f, struct_size: size_of::<Plugin>() as u32, abi_major: 1, abi_minor: 0,
    host_minor_required: 0, reserved0: 0,
    name: b"bs3_rust\0".as_ptr(), version: b"0.1\0".as_ptr(), vendor: b"somebody else\0".as_ptr(),
    layouts: concat!(layouts!(), "\0").as_ptr(), components: &COMPONENTS.0,
    init: null(), shutdown: null(),
});

const NOTE_BYTES: usize = 84;

#[repr(C, align(4))]
pub struct Note { owner_bytes: u32, text_bytes: u32, kind: u32, owner: [u8; 8], text: [u8; NOTE_BYTES] }

const fn note(line: &[u8]) -> Note {
    let mut text = [0u8; NOTE_BYTES];
    let mut i = 0;
    while i < line.len() {
        text[i] = line[i];
        i += 1;
    }
    Note { owner_bytes: 6, text_bytes: NOTE_BYTES as u32, kind: 1, owner: *b"Odeon\0\0\0", text }
}

#[used]
#[link_section = ".note.odeon"]
static NOTE: Note =
    note(concat!("abi=1.0 layouts=", layouts!(), " components=integrator/bs3_rust:tableau").as_bytes());

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}
