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
        int in = features.inFirst + group * features.inGroupStride;
        int out = features.outFirst + group * features.outGroupStride;
        Epilogue epilogue = features.epilogue;
        if (features.lanes > 1 || !epilogue.clamps || epilogue.residual != null) {
            for (int row = from; row < to; row++) {
                int filter = features.filtersByLength[row];
                int residual = epilogue.residual(group, filter);
                for (int lane = 0; lane < features.lanes; lane++) {
                    float sum = sum(arena, in + lane, features, row);
                    float added = residual < 0 ? 0f : arena[residual + lane];
                    arena[out + filter * features.lanes + lane] = epilogue.apply(sum, added);
                }
            }
            return;
        }
        int[] filters = features.filtersByLength;
        float low = epilogue.low;
        float high = epilogue.high;
        for (int row = from; row < to; row++) {
            // Without branches: the signs of sums are not foreseen.
            arena[out + filters[row]] =
                    Math.min(Math.max(sum(arena, in, features, row), low), high);
        }
    }

    private static float sum(float[] arena, int in, Features features, int row) {
        float bias = features.biases[row];
        float sum =
                bias
                        + sum(
                                arena,
                                in,
                                features.offsets,
                                features.values,
                                features.starts[row],
                                features.starts[row + 1]);
        return Float.isNaN(sum) ? bias + kept(arena, in, features, row) : sum;
    }

    /** A sum over a multiple of four. Short ones run straight: a loop takes long to set up. */
    private static float sum(
            float[] arena, int in, int[] offsets, float[] values, int from, int to) {
        if (to - from > 12) {
            return longSum(arena, in, offsets, values, from, to);
        }
        float sum = 0f;
        if (to - from > 0) {
            sum = four(arena, in, offsets, values, from);
        }
        if (to - from > 4) {
            sum += four(arena, in, offsets, values, from + 4);
        }
        if (to - from > 8) {
            sum += four(arena, in, offsets, values, from + 8);
        }
        return sum;
    }

    private static float four(float[] arena, int in, int[] offsets, float[] values, int i) {
        return (values[i] * arena[in + offsets[i]] + values[i + 1] * arena[in + offsets[i + 1]])
                + (values[i + 2] * arena[in + offsets[i + 2]]
                        + values[i + 3] * arena[in + offsets[i + 3]]);
    }

    private static float longSum(
            float[] arena, int in, int[] offsets, float[] values, int from, int to) {
        float s0 = 0f;
        float s1 = 0f;
        float s2 = 0f;
        float s3 = 0f;
        for (int i = from; i < to; i += 4) {
            s0 += values[i] * arena[in + offsets[i]];
            s1 += values[i + 1] * arena[in + offsets[i + 1]];
            s2 += values[i + 2] * arena[in + offsets[i + 2]];
            s3 += values[i + 3] * arena[in + offsets[i + 3]];
        }
        return (s0 + s1) + (s2 + s3);
    }

    /** The same without the zeros that fill up: these times infinity are not a number. */
    private static float kept(float[] arena, int in, Features features, int row) {
        float sum = 0f;
        int start = features.starts[row];
        for (int i = start; i < start + features.lengths[row]; i++) {
            sum += features.values[i] * arena[in + features.offsets[i]];
        }
        return sum;
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

    @Override
    public void pool(float[] arena, Pooling pooling, int source, int target) {
        int lanes = pooling.in.lanes();
        int inStride = pooling.in.rowStride() * lanes;
        int outStride = pooling.out.rowStride() * lanes;
        Pooling.Axis rows = pooling.rows;
        Pooling.Axis columns = pooling.columns;
        if (lanes == 1 && pooling.isGlobal && !pooling.max) {
            arena[target] = mean(arena, pooling, source);
            return;
        }
        for (int y = 0; y < rows.starts.length; y++) {
            for (int x = 0; x < columns.starts.length; x++) {
                for (int lane = 0; lane < lanes; lane++) {
                    float result = pooling.max ? Float.NEGATIVE_INFINITY : 0f;
                    for (int v = rows.starts[y]; v < rows.ends[y]; v += rows.step) {
                        int row = source + v * inStride + lane;
                        for (int u = columns.starts[x]; u < columns.ends[x]; u += columns.step) {
                            float value = arena[row + u * lanes];
                            result = pooling.max ? Math.max(result, value) : result + value;
                        }
                    }
                    arena[target + y * outStride + x * lanes + lane] =
                            pooling.max
                                    ? result
                                    : result / ((float) rows.counts[y] * columns.counts[x]);
                }
            }
        }
    }

    /** The mean of a whole plane: four sums, so that additions do not wait for each other. */
    private static float mean(float[] arena, Pooling pooling, int source) {
        int width = pooling.in.width();
        float s0 = 0f;
        float s1 = 0f;
        float s2 = 0f;
        float s3 = 0f;
        for (int y = 0; y < pooling.in.height(); y++) {
            int i = source + y * pooling.in.rowStride();
            int end = i + width;
            for (; i + 3 < end; i += 4) {
                s0 += arena[i];
                s1 += arena[i + 1];
                s2 += arena[i + 2];
                s3 += arena[i + 3];
            }
            for (; i < end; i++) {
                s0 += arena[i];
            }
        }
        return ((s0 + s1) + (s2 + s3))
                / ((float) pooling.rows.counts[0] * pooling.columns.counts[0]);
    }
}
