package io.flipout.inference.kernel;

import java.util.Arrays;

/**
 * The results of {@link VectorLoops} to the last bit, by plain Java: the same multiplications and
 * additions in the same order. What a JVM that has just started computes by these takes a fraction
 * of the time, since the Vector API's many classes are slow until they are compiled.
 */
final class TwinLoops implements Loops {

    static final TwinLoops INSTANCE = new TwinLoops();

    private TwinLoops() {}

    @Override
    public void taps(float[] arena, Taps taps, int group, int from, int to) {
        int in = taps.inFirst + group * taps.inGroupStride;
        for (int filter = from; filter < to; filter++) {
            int out = taps.out(group, filter);
            if (!taps.isRun()) {
                for (int y = 0; y < taps.rows; y++) {
                    for (int x = 0; x < taps.columns; x++) {
                        int i = in + y * taps.inRowStride + x * taps.inStep;
                        int o = out + y * taps.outRowStride + x * taps.outStep;
                        inOrder(arena, taps, filter, i, o, taps.outStep);
                    }
                }
            } else if (taps.isSmall()) {
                byFours(arena, taps, taps.starts[filter], taps.starts[filter + 1], in, out);
            } else {
                inOrder(arena, taps, filter, in, out, taps.run);
            }
            ScalarLoops.finish(arena, taps, group, filter, 0, taps.run);
        }
    }

    /** The sums of a filter over a run of inputs, tap by tap. */
    private static void inOrder(float[] arena, Taps taps, int filter, int in, int out, int run) {
        int tap = taps.starts[filter];
        int end = taps.starts[filter + 1];
        Arrays.fill(arena, out, out + run, 0f);
        for (; tap + 4 <= end; tap += 4) {
            four(arena, taps, tap, in, out, run);
        }
        for (; tap < end; tap++) {
            one(arena, taps, tap, in, out, run);
        }
    }

    private static void one(float[] arena, Taps taps, int tap, int in, int out, int run) {
        int o = in + taps.offsets[tap];
        float w = taps.values[tap];
        for (int i = 0; i < run; i++) {
            arena[out + i] = Math.fma(w, arena[o + i], arena[out + i]);
        }
    }

    private static void four(float[] arena, Taps taps, int tap, int in, int out, int run) {
        int o0 = in + taps.offsets[tap];
        int o1 = in + taps.offsets[tap + 1];
        int o2 = in + taps.offsets[tap + 2];
        int o3 = in + taps.offsets[tap + 3];
        float w0 = taps.values[tap];
        float w1 = taps.values[tap + 1];
        float w2 = taps.values[tap + 2];
        float w3 = taps.values[tap + 3];
        for (int i = 0; i < run; i++) {
            float sum = Math.fma(w0, arena[o0 + i], arena[out + i]);
            sum = Math.fma(w1, arena[o1 + i], sum);
            sum = Math.fma(w2, arena[o2 + i], sum);
            arena[out + i] = Math.fma(w3, arena[o3 + i], sum);
        }
    }

    /** Four sums, of every fourth tap each. */
    private static void byFours(float[] arena, Taps taps, int from, int to, int in, int out) {
        int[] offsets = taps.offsets;
        float[] values = taps.values;
        int fours = from + (to - from) / 4 * 4;
        for (int i = 0; i < taps.run; i++) {
            float s0 = 0f;
            float s1 = 0f;
            float s2 = 0f;
            float s3 = 0f;
            for (int tap = from; tap < fours; tap += 4) {
                s0 = Math.fma(values[tap], arena[in + i + offsets[tap]], s0);
                s1 = Math.fma(values[tap + 1], arena[in + i + offsets[tap + 1]], s1);
                s2 = Math.fma(values[tap + 2], arena[in + i + offsets[tap + 2]], s2);
                s3 = Math.fma(values[tap + 3], arena[in + i + offsets[tap + 3]], s3);
            }
            float sum = (s0 + s1) + (s2 + s3);
            for (int tap = fours; tap < to; tap++) {
                sum = Math.fma(values[tap], arena[in + i + offsets[tap]], sum);
            }
            arena[out + i] = sum;
        }
    }

    @Override
    public void features(float[] arena, Features features, int group, int from, int to) {
        if (!features.isByVectors()) {
            ScalarLoops.INSTANCE.features(arena, features, group, from, to);
            return;
        }
        for (int row = from; row < to; row++) {
            for (int lane = 0; lane < features.lanes; lane++) {
                lane(arena, features, group, row, lane);
            }
        }
    }

    /** One output of one of several images. */
    private static void lane(float[] arena, Features features, int group, int row, int lane) {
        int[] offsets = features.offsets;
        float[] values = features.values;
        Epilogue epilogue = features.epilogue;
        int filter = features.filtersByLength[row];
        int in = group * features.inGroupStride + lane;
        int tap = features.starts[row];
        int end = features.starts[row + 1];
        float s0 = features.biases[row];
        float s1 = 0f;
        float s2 = 0f;
        float s3 = 0f;
        for (; tap + 3 < end; tap += 4) {
            s0 = Math.fma(values[tap], arena[in + offsets[tap]], s0);
            s1 = Math.fma(values[tap + 1], arena[in + offsets[tap + 1]], s1);
            s2 = Math.fma(values[tap + 2], arena[in + offsets[tap + 2]], s2);
            s3 = Math.fma(values[tap + 3], arena[in + offsets[tap + 3]], s3);
        }
        for (; tap < end; tap++) {
            s0 = Math.fma(values[tap], arena[in + offsets[tap]], s0);
        }
        int residual = epilogue.residual(group, filter);
        float sum = (s0 + s1) + (s2 + s3);
        int out = features.outFirst + group * features.outGroupStride + filter * features.lanes;
        arena[out + lane] =
                residual < 0 ? epilogue.apply(sum) : epilogue.apply(sum, arena[residual + lane]);
    }

    @Override
    public void move(float[] arena, Gather gather, int from, int to, int source, int target) {
        ScalarLoops.INSTANCE.move(arena, gather, from, to, source, target);
    }

    @Override
    public void pool(float[] arena, Pooling pooling, int source, int target) {
        ScalarLoops.INSTANCE.pool(arena, pooling, source, target);
    }
}
