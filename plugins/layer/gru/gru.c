/* gru: a gated recurrent unit over sequences: x [B,T,D] -> the last state [B,H], or all [B,T,H]; as
 * torch.nn.GRU with one layer and batch_first (common/gru/gru_unit.h has the equations). Rows that
 * the data set's mask counts out, or that fill a series up, leave the state as it is. With
 * direction = backward the sequence is read from its end, as an encoder of initial values does.
 * Source: Cho and others, Learning phrase representations using RNN encoder-decoder, 2014. */
#include "../common/gru/gru_unit.h"
#include "odeon/plugin.h"

typedef struct gru {
    ODEON_INSTANCE;
    int64_t units, output, direction, rows;
} gru;

static const odeon_option *const options[] = {GRU_OPTIONS(gru), NULL};

static gru_unit unit_of(const gru *layer)
{
    return (gru_unit){.host = layer->host,
                      .id = "gru",
                      .units = layer->units,
                      .output = layer->output,
                      .direction = layer->direction,
                      .rows = layer->rows};
}

static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    gru_unit unit = unit_of(self);
    return gru_plan(&unit, plan);
}

static odeon_status param(void *self, const odeon_shape *in, int32_t index, odeon_param *out)
{
    gru_unit unit = unit_of(self);
    gru_param(&unit, in, index, out);
    return ODEON_OK;
}

static odeon_status forward(void *self, const odeon_layer_call *call)
{
    gru_unit unit = unit_of(self);
    gru_call g;
    ODEON_TRY(gru_begin(&unit, call, &call->in->shape, &g));
    return gru_forward(&g);
}

static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    gru_unit unit = unit_of(self);
    gru_call g;
    ODEON_TRY(gru_begin(&unit, call, &call->in->shape, &g));
    return gru_vjp(&g);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .param = param, .forward = forward, .vjp = vjp};

ODEON_PLUGIN_OPTIONS(LAYER, "gru", &ops, "gated recurrent unit over sequences",
                     "Cho and others, Learning phrase representations, 2014", "rnn|recurrent", gru,
                     options, NULL, NULL);
