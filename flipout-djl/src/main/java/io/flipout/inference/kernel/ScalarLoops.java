package io.flipout.inference.kernel;

import java.util.Arrays;

/**
 * Plain loops. The JIT compiler does not vectorise {@code out[i] += w * in[o + i]}, as it cannot
 * tell the places apart; eight taps to an output make up for part of that.
 */
final class ScalarLoops implements Loops {

    static final ScalarLoops INSTANCE = new ScalarLoops();

    private ScalarLoops() {}

    @Override
    public void taps(float[] arena, Taps taps, int group, int from, int to) {
        int in = taps.inFirst + group * taps.inGroupStride;
        int run = taps.run;
        for (int filter = from; filter < to; filter++) {
            int out = taps.outFirst + group * taps.outGroupStride + filter * taps.outPlaneStride;
            Arrays.fill(arena, out, out + run, 0f);
            int tap = taps.starts[filter];
            int end = taps.starts[filter + 1];
            for (; tap + 8 <= end; tap += 8) {
                eight(arena, taps.offsets, taps.values, tap, in, out, run);
            }
            for (; tap < end; tap++) {
                one(arena, in + taps.offsets[tap], taps.values[tap], out, run);
            }
            finish(arena, taps, group, filter, 0, run);
        }
    }

    private static void eight(
            float[] arena, int[] offsets, float[] values, int tap, int in, int out, int run) {
        int o0 = in + offsets[tap];
        int o1 = in + offsets[tap + 1];
        int o2 = in + offsets[tap + 2];
        int o3 = in + offsets[tap + 3];
        int o4 = in + offsets[tap + 4];
        int o5 = in + offsets[tap + 5];
        int o6 = in + offsets[tap + 6];
        int o7 = in + offsets[tap + 7];
        float w0 = values[tap];
        float w1 = values[tap + 1];
        float w2 = values[tap + 2];
        float w3 = values[tap + 3];
        float w4 = values[tap + 4];
        float w5 = values[tap + 5];
        float w6 = values[tap + 6];
        float w7 = values[tap + 7];
        for (int i = 0; i < run; i++) {
            arena[out + i] +=
                    (w0 * arena[o0 + i] + w1 * arena[o1 + i])
                            + (w2 * arena[o2 + i] + w3 * arena[o3 + i])
                            + ((w4 * arena[o4 + i] + w5 * arena[o5 + i])
                                    + (w6 * arena[o6 + i] + w7 * arena[o7 + i]));
        }
    }

    private static void one(float[] arena, int in, float value, int out, int run) {
        for (int i = 0; i < run; i++) {
            arena[out + i] += value * arena[in + i];
        }
    }

    /** Makes outputs of sums, of the floats from one to another of a plane. */
    static void finish(float[] arena, Taps taps, int group, int filter, int from, int to) {
        Epilogue epilogue = taps.epilogue;
        int out = taps.outFirst + group * taps.outGroupStride + filter * taps.outPlaneStride;
        int residual = epilogue.residual(group, filter);
        float bias = epilogue.bias[filter];
        int[] inner = taps.inner;
        for (int i = from; i < to; i++) {
            if (inner[i] == 0) {
                arena[out + i] = 0f;
            } else {
                float added = residual < 0 ? 0f : arena[residual + i];
                arena[out + i] = epilogue.apply(arena[out + i] + bias, added);
            }
        }
    }

    @Override
    public void features(float[] arena, Features features, int group, int from, int to) {
        int[] offsets = features.offsets;
        float[] values = features.values;
        int lanes = features.lanes;
        for (int filter = from; filter < to; filter++) {
            int residual = features.epilogue.residual(group, filter);
            int out = features.outFirst + group * features.outGroupStride + filter * lanes;
            for (int lane = 0; lane < lanes; lane++) {
                int in = features.inFirst + group * features.inGroupStride + lane;
                float sum = features.epilogue.bias[filter];
                for (int i = features.starts[filter]; i < features.starts[filter + 1]; i++) {
                    sum += values[i] * arena[in + offsets[i]];
                }
                float added = residual < 0 ? 0f : arena[residual + lane];
                arena[out + lane] = features.epilogue.apply(sum, added);
            }
        }
    }
}
