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
        Epilogue epilogue = features.epilogue;
        int[] filters = features.filtersByLength;
        int[] starts = features.starts;
        float[] bias = epilogue.bias;
        int lanes = features.lanes;
        int in = features.inFirst + group * features.inGroupStride;
        int out = features.outFirst + group * features.outGroupStride;
        boolean plain = epilogue.clamps && epilogue.residual == null;
        float low = epilogue.low;
        float high = epilogue.high;
        for (int row = from; row < to; row++) {
            int filter = filters[row];
            for (int lane = 0; lane < lanes; lane++) {
                float sum =
                        bias[filter]
                                + sum(
                                        arena,
                                        in + lane,
                                        features.offsets,
                                        features.values,
                                        starts[row],
                                        starts[row + 1]);
                int residual = plain ? -1 : epilogue.residual(group, filter);
                // Without branches: the signs of sums are not foreseen.
                arena[out + filter * lanes + lane] =
                        plain
                                ? Math.min(Math.max(sum, low), high)
                                : epilogue.apply(sum, residual < 0 ? 0f : arena[residual + lane]);
            }
        }
    }

    private static float sum(
            float[] arena, int in, int[] offsets, float[] values, int from, int to) {
        float s0 = 0f;
        float s1 = 0f;
        float s2 = 0f;
        float s3 = 0f;
        int i = from;
        for (; i + 3 < to; i += 4) {
            s0 += values[i] * arena[in + offsets[i]];
            s1 += values[i + 1] * arena[in + offsets[i + 1]];
            s2 += values[i + 2] * arena[in + offsets[i + 2]];
            s3 += values[i + 3] * arena[in + offsets[i + 3]];
        }
        for (; i < to; i++) {
            s0 += values[i] * arena[in + offsets[i]];
        }
        return (s0 + s1) + (s2 + s3);
    }

    @Override
    public void copy(
            float[] arena,
            int source,
            int sourceStride,
            int target,
            int targetStride,
            int rows,
            int columns,
            int step,
            int lanes) {
        for (int row = 0; row < rows; row++) {
            int from = source + row * sourceStride;
            int to = target + row * targetStride;
            if (lanes == 1) {
                for (int x = 0; x < columns; x++) {
                    arena[to + x] = arena[from + x * step];
                }
            } else {
                for (int x = 0; x < columns; x++) {
                    System.arraycopy(arena, from + x * step * lanes, arena, to + x * lanes, lanes);
                }
            }
        }
    }
}
