/* Where layers find their parameters, gradients and running state. */

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "small_net.h"

static const int64_t three[] = {3};

static void test_tensors_point_into_the_flat_vectors(void **state)
{
    (void)state;
    small_net *s = small_net_open("[model.a]\nlayer = dense(units=4)\n[model.r]\nlayer = residual\n"
                                  "[model.r.b]\nlayer = dense(units=4, bias=no)\n",
                                  1, three);
    const net_layer *a = &s->net->layers[0], *b = &s->net->layers[1].bodies[0]->layers[0];
    assert_int_equal(a->n_params, 2);
    for (int i = 0; i < 2; i++) {
        const param *p = &s->params.list[a->index[i]];
        assert_ptr_equal(a->values[i].data, s->values + p->offset);
        assert_ptr_equal(a->grads[i].view.data, s->grads + p->offset);
        assert_memory_equal(a->grads[i].view.shape.dim, p->shape.dim, sizeof p->shape.dim);
        assert_memory_equal(a->values[i].shape.dim, p->shape.dim, sizeof p->shape.dim);
    }
    assert_string_equal(s->params.list[b->index[0]].path, "r.b.weight");
    assert_ptr_equal(b->values[0].data, small_net_values(s, "r.b.weight"));
    assert_ptr_equal(b->grads[0].view.data, small_net_grads(s, "r.b.weight"));
    small_net_close(s);
}

static void test_running_state_lies_behind_the_gradients(void **state)
{
    (void)state;
    static const int64_t image[] = {2, 3, 3};
    small_net *s = small_net_open("[model.n]\nlayer = batchnorm\n", 3, image);
    const net_layer *n = &s->net->layers[0];
    assert_true(n->n_states > 0);
    for (size_t i = 0; i < n->n_states; i++) {
        const param *p = &s->params.list[n->index[n->n_params + i]];
        assert_int_equal(p->role, ODEON_PARAM_STATE);
        assert_ptr_equal(n->grads[n->n_params + i].view.data, s->states + p->offset);
    }
    small_net_close(s);
}

/* Elements are counted from where the vector would begin, in bodies as well. */
static void test_gradients_can_be_sent_elsewhere(void **state)
{
    (void)state;
    small_net *s = small_net_open("[model.a]\nlayer = dense(units=4)\n[model.r]\nlayer = residual\n"
                                  "[model.r.b]\nlayer = dense(units=4, bias=no)\n",
                                  1, three);
    double *elsewhere = mem_zalloc((size_t)s->params.trainable, sizeof *elsewhere);
    const net_layer *a = &s->net->layers[0], *b = &s->net->layers[1].bodies[0]->layers[0];
    net_bind_grads(s->net, (char *)elsewhere);
    assert_ptr_equal(a->grads[0].view.data, elsewhere + s->params.list[a->index[0]].offset);
    assert_ptr_equal(b->grads[0].view.data, elsewhere + s->params.list[b->index[0]].offset);
    assert_ptr_equal(a->values[0].data, small_net_values(s, "a.weight")); /* values stay */
    net_bind(s->net);
    assert_ptr_equal(b->grads[0].view.data, small_net_grads(s, "r.b.weight"));
    mem_free(elsewhere);
    small_net_close(s);
}

static void test_range_covers_all_parameters_and_no_more(void **state)
{
    (void)state;
    int64_t begin = 7, end = 7;
    small_net *s = small_net_open("[model.v]\nlayer = relu\n[model.a]\nlayer = dense(units=4)\n"
                                  "[model.r]\nlayer = residual\n[model.r.b]\n"
                                  "layer = dense(units=4, bias=no)\n",
                                  1, three);
    net_param_range(s->net, &begin, &end);
    assert_int_equal(begin, 0);
    /* weight [4,3] from 0, bias [4] from 16, weight [4,4] from 24 */
    assert_int_equal(end, 24 + 16);
    net_param_range(s->net->layers[2].bodies[0], &begin, &end);
    assert_int_equal(begin, 24);
    assert_int_equal(end, 40);
    small_net_close(s);
}

/* A body that borrows begins where the lender lies, whichever layer comes first. */
static void test_range_reaches_back_to_a_lender(void **state)
{
    (void)state;
    int64_t begin, end;
    small_net *s = small_net_open("[model.a]\nlayer = dense(units=3, bias=no)\n[model.r]\n"
                                  "layer = residual\n[model.r.x]\nlayer = dense(units=3, bias=no)\n"
                                  "[model.r.y]\nshare = model.a\n",
                                  1, three);
    net_param_range(s->net->layers[1].bodies[0], &begin, &end);
    assert_int_equal(begin, 0);
    assert_int_equal(end, 16 + 9);
    small_net_close(s);
}

static void test_network_without_parameters_has_an_empty_range(void **state)
{
    (void)state;
    int64_t begin = 7, end = 7;
    small_net *s = small_net_open("[model.v]\nlayer = relu\n", 1, three);
    net_param_range(s->net, &begin, &end);
    assert_true(begin == 0 && end == 0);
    small_net_close(s);
    begin = end = 7;
    net_param_range(NULL, &begin, &end);
    assert_true(begin == 0 && end == 0);
    net_bind(NULL);
    net_bind_grads(NULL, NULL);
}

/* A layer that shares points to the lender's parameters. */
static void test_sharing_layers_have_the_same_addresses(void **state)
{
    (void)state;
    small_net *s =
        small_net_open("[model.a]\nlayer = dense(units=3)\n[model.b]\nshare = model.a\n", 1, three);
    assert_ptr_equal(s->net->layers[0].values[0].data, s->net->layers[1].values[0].data);
    assert_ptr_equal(s->net->layers[0].grads[1].view.data, s->net->layers[1].grads[1].view.data);
    small_net_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tensors_point_into_the_flat_vectors),
        cmocka_unit_test(test_running_state_lies_behind_the_gradients),
        cmocka_unit_test(test_gradients_can_be_sent_elsewhere),
        cmocka_unit_test(test_range_covers_all_parameters_and_no_more),
        cmocka_unit_test(test_range_reaches_back_to_a_lender),
        cmocka_unit_test(test_network_without_parameters_has_an_empty_range),
        cmocka_unit_test(test_sharing_layers_have_the_same_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
