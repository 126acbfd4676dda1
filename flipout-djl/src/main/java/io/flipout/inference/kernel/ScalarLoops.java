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
        for (int filter = from; filter < to; filter++) {
            int out = taps.out(group, filter);
            if (taps.isRun()) {
                sum(arena, taps, filter, in, out, taps.run);
            } else {
                for (int y = 0; y < taps.rows; y++) {
                    for (int x = 0; x < taps.columns; x++) {
                        int i = in + y * taps.inRowStride + x * taps.inStep;
                        int o = out + y * taps.outRowStride + x * taps.outStep;
                        sum(arena, taps, filter, i, o, taps.outStep);
                    }
                }
            }
            finish(arena, taps, group, filter, 0, taps.run);
        }
    }

    /** The sums of a filter over a run of inputs. */
    private static void sum(float[] arena, Taps taps, int filter, int in, int out, int run) {
        Arrays.fill(arena, out, out + run, 0f);
        int tap = taps.starts[filter];
        int end = taps.starts[filter + 1];
        for (; tap + 8 <= end; tap += 8) {
            eight(arena, taps.offsets, taps.values, tap, in, out, run);
        }
        for (; tap < end; tap++) {
            one(arena, in + taps.offsets[tap], taps.values[tap], out, run);
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
        int out = taps.out(group, filter);
        int residual = epilogue.residual(group, filter);
        float bias = epilogue.bias[filter];
        int[] inner = taps.inner;
        for (int i = from; i < to; i++) {
            if (inner[i] == 0) {
                arena[out + i] = 0f;
            } else if (residual < 0) {
                arena[out + i] = epilogue.apply(arena[out + i] + bias);
            } else {
                arena[out + i] = epilogue.apply(arena[out + i] + bias, arena[residual + i]);
            }
        }
    }

    @Override
    public void features(float[] arena, Features features, int group, int from, int to) {
        int in = group * features.inGroupStride;
        for (int block = from; block < to; block++) {
            if (features.lanes == 1) {
                if (group == 0) {
                    eight(arena, features, block);
                } else {
                    rows(arena, in, features, group, block);
                }
                continue;
            }
            for (int lane = 0; lane < features.lanes; lane++) {
                write(arena, features, group, block, lane, sum(arena, in + lane, features, block));
            }
        }
    }

    /** Eight outputs of an image, one by one. */
    private static void rows(float[] arena, int in, Features features, int group, int block) {
        int row = block * Features.ROWS;
        int last = Math.min(row + Features.ROWS, features.filters);
        for (; row < last; row++) {
            write(arena, features, group, row, 0, sum(arena, in, features, row));
        }
    }

    /** Eight outputs of the first image, at once. */
    private static void eight(float[] arena, Features features, int block) {
        int[] offsets = features.offsets;
        float[] values = features.values;
        int end = features.starts[block + 1];
        float s0 = 0f;
        float s1 = 0f;
        float s2 = 0f;
        float s3 = 0f;
        float s4 = 0f;
        float s5 = 0f;
        float s6 = 0f;
        float s7 = 0f;
        for (int i = features.starts[block]; i < end; i += 8) {
            s0 += values[i] * arena[offsets[i]];
            s1 += values[i + 1] * arena[offsets[i + 1]];
            s2 += values[i + 2] * arena[offsets[i + 2]];
            s3 += values[i + 3] * arena[offsets[i + 3]];
            s4 += values[i + 4] * arena[offsets[i + 4]];
            s5 += values[i + 5] * arena[offsets[i + 5]];
            s6 += values[i + 6] * arena[offsets[i + 6]];
            s7 += values[i + 7] * arena[offsets[i + 7]];
        }
        int row = block * Features.ROWS;
        float[] biases = features.biases;
        s0 += biases[row];
        s1 += biases[row + 1];
        s2 += biases[row + 2];
        s3 += biases[row + 3];
        s4 += biases[row + 4];
        s5 += biases[row + 5];
        s6 += biases[row + 6];
        s7 += biases[row + 7];
        if (Float.isNaN((s0 + s1 + s2 + s3) + (s4 + s5 + s6 + s7))
                || row + Features.ROWS > features.filters) {
            rows(arena, 0, features, 0, block);
            return;
        }
        write(arena, features, 0, row, 0, s0);
        write(arena, features, 0, row + 1, 0, s1);
        write(arena, features, 0, row + 2, 0, s2);
        write(arena, features, 0, row + 3, 0, s3);
        write(arena, features, 0, row + 4, 0, s4);
        write(arena, features, 0, row + 5, 0, s5);
        write(arena, features, 0, row + 6, 0, s6);
        write(arena, features, 0, row + 7, 0, s7);
    }

    /**
     * A row's sum and bias, without the zeros that fill it up: these times infinity are not a
     * number.
     */
    private static float sum(float[] arena, int in, Features features, int row) {
        int rows = features.rows;
        int start = features.starts[row / rows] + row % rows;
        int end = start + features.lengths[row] * rows;
        float sum = 0f;
        for (int i = start; i < end; i += rows) {
            sum += features.values[i] * arena[in + features.offsets[i]];
        }
        return features.biases[row] + sum;
    }

    private static void write(
            float[] arena, Features features, int group, int row, int lane, float sum) {
        Epilogue epilogue = features.epilogue;
        int filter = features.filtersByLength[row];
        int residual = epilogue.residual(group, filter);
        int out = features.outFirst + group * features.outGroupStride + filter * features.lanes;
        arena[out + lane] =
                residual < 0 ? epilogue.apply(sum) : epilogue.apply(sum, arena[residual + lane]);
    }

    @Override
    public void move(float[] arena, Gather gather, int from, int to, int source, int target) {
        int step = gather.step;
        int lanes = gather.lanes;
        for (int move = from; move < to; move++) {
            int s = source + gather.sources.values[move];
            int t = target + gather.targets.values[move];
            int length = gather.lengths.values[move];
            if (lanes == 1) {
                for (int i = 0; i < length; i++) {
                    arena[t + i] = arena[s + i * step];
                }
            } else {
                for (int i = 0; i < length; i++) {
                    System.arraycopy(arena, s + i * step * lanes, arena, t + i * lanes, lanes);
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
