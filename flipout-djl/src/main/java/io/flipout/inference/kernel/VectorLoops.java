package io.flipout.inference.kernel;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Loops by the Vector API. Sums stay in registers while a filter's taps go by: enough of them at a
 * time that their additions do not wait for each other, and each is written once.
 *
 * <p>No vector is passed from one method to another: where the compiler does not inline the call,
 * it would become an object.
 *
 * <p>Compiled apart from the rest and loaded by name, since the module may be missing.
 */
final class VectorLoops implements Loops {

    private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
    private static final int L = FLOATS.length();

    /** Filters of as many taps or fewer are computed plane by plane. */
    private static final int FEW = 4;

    /** Filters of as many taps or fewer, on an average, are computed one after the other. */
    private static final int SPARSE = 16;

    /** Elements 0, 2, 4, … into either half. */
    private static final VectorShuffle<Float> EVEN = VectorShuffle.fromOp(FLOATS, i -> 2 * i % L);

    /** Elements 1, 3, 5, … into either half. */
    private static final VectorShuffle<Float> ODD =
            VectorShuffle.fromOp(FLOATS, i -> (2 * i + 1) % L);

    /** 0, 1, 2, … */
    private static final FloatVector INDEX = FloatVector.zero(FLOATS).addIndex(1);

    private static final VectorMask<Float> UPPER_HALF =
            VectorMask.fromLong(FLOATS, ((1L << L) - 1) & -(1L << L / 2));

    VectorLoops() {}

    @Override
    public void taps(float[] arena, Taps taps, int group, int from, int to) {
        int[] starts = taps.starts;
        if (starts[to] - starts[from] > SPARSE * (to - from)) {
            blocks(arena, taps, group, from, to);
            return;
        }
        for (int filter = from; filter < to; filter++) {
            if (starts[filter + 1] - starts[filter] <= FEW && taps.epilogue.clamps) {
                few(arena, taps, group, filter);
            } else {
                blocks(arena, taps, group, filter, filter + 1);
            }
        }
    }

    /** Block by block of positions, all filters for each, so that what they read stays near. */
    private static void blocks(float[] arena, Taps taps, int group, int from, int to) {
        int in = taps.inFirst + group * taps.inGroupStride;
        int out = taps.outFirst + group * taps.outGroupStride;
        int vectors = (taps.run + L - 1) / L;
        int at = 0;
        while (at < vectors) {
            int left = vectors - at;
            int n = left >= 13 || left == 8 ? 8 : left >= 11 ? 6 : left >= 9 ? 5 : left;
            for (int filter = from; filter < to; filter++) {
                int tap = taps.starts[filter];
                int end = taps.starts[filter + 1];
                int place = out + filter * taps.outPlaneStride + at * L;
                switch (n) {
                    case 8:
                        sum8(arena, taps.offsets, taps.values, tap, end, in + at * L, place);
                        break;

                    case 7:
                        sum7(arena, taps.offsets, taps.values, tap, end, in + at * L, place);
                        break;

                    case 6:
                        sum6(arena, taps.offsets, taps.values, tap, end, in + at * L, place);
                        break;

                    case 5:
                        sum5(arena, taps.offsets, taps.values, tap, end, in + at * L, place);
                        break;

                    case 4:
                        sum4(arena, taps.offsets, taps.values, tap, end, in + at * L, place);
                        break;

                    case 3:
                        sum3(arena, taps.offsets, taps.values, tap, end, in + at * L, place);
                        break;

                    case 2:
                        sum2(arena, taps.offsets, taps.values, tap, end, in + at * L, place);
                        break;

                    default:
                        sum1(arena, taps.offsets, taps.values, tap, end, in + at * L, place);
                        break;
                }
                if (taps.epilogue.clamps) {
                    finish(arena, taps, group, filter, at * L, (at + n) * L);
                } else {
                    ScalarLoops.finish(arena, taps, group, filter, at * L, (at + n) * L);
                }
            }
            at += n;
        }
    }

    /** A filter of at most four taps, read and written once. */
    private static void few(float[] arena, Taps taps, int group, int filter) {
        int tap = taps.starts[filter];
        int count = taps.starts[filter + 1] - tap;
        int in = taps.inFirst + group * taps.inGroupStride;
        int out = taps.outFirst + group * taps.outGroupStride + filter * taps.outPlaneStride;
        int[] inner = taps.inner;
        Epilogue epilogue = taps.epilogue;
        int residual = epilogue.residual(group, filter);
        int before = epilogue.residualLast ? -1 : residual;
        int after = epilogue.residualLast ? residual : -1;
        FloatVector bias = FloatVector.broadcast(FLOATS, epilogue.bias[filter]);
        FloatVector low = FloatVector.broadcast(FLOATS, epilogue.low);
        FloatVector high = FloatVector.broadcast(FLOATS, epilogue.high);
        int o0 = in + (count > 0 ? taps.offsets[tap] : 0);
        int o1 = in + (count > 1 ? taps.offsets[tap + 1] : 0);
        int o2 = in + (count > 2 ? taps.offsets[tap + 2] : 0);
        int o3 = in + (count > 3 ? taps.offsets[tap + 3] : 0);
        FloatVector w0 = FloatVector.broadcast(FLOATS, count > 0 ? taps.values[tap] : 0f);
        FloatVector w1 = FloatVector.broadcast(FLOATS, count > 1 ? taps.values[tap + 1] : 0f);
        FloatVector w2 = FloatVector.broadcast(FLOATS, count > 2 ? taps.values[tap + 2] : 0f);
        FloatVector w3 = FloatVector.broadcast(FLOATS, count > 3 ? taps.values[tap + 3] : 0f);
        for (int i = 0; i < inner.length; i += L) {
            FloatVector v = bias;
            if (count > 0) {
                v = FloatVector.fromArray(FLOATS, arena, o0 + i).fma(w0, v);
            }
            if (count > 1) {
                v = FloatVector.fromArray(FLOATS, arena, o1 + i).fma(w1, v);
            }
            if (count > 2) {
                v = FloatVector.fromArray(FLOATS, arena, o2 + i).fma(w2, v);
            }
            if (count > 3) {
                v = FloatVector.fromArray(FLOATS, arena, o3 + i).fma(w3, v);
            }
            if (before >= 0) {
                v = v.add(FloatVector.fromArray(FLOATS, arena, before + i));
            }
            v = v.blend(low, v.compare(VectorOperators.LT, low));
            v = v.blend(high, high.compare(VectorOperators.LT, v));
            if (after >= 0) {
                v = v.add(FloatVector.fromArray(FLOATS, arena, after + i));
            }
            v.reinterpretAsInts()
                    .and(IntVector.fromArray(INTS, inner, i))
                    .reinterpretAsFloats()
                    .intoArray(arena, out + i);
        }
    }

    /** Makes outputs of sums. */
    private static void finish(float[] arena, Taps taps, int group, int filter, int from, int to) {
        int out = taps.outFirst + group * taps.outGroupStride + filter * taps.outPlaneStride;
        int[] inner = taps.inner;
        Epilogue epilogue = taps.epilogue;
        int residual = epilogue.residual(group, filter);
        int before = epilogue.residualLast ? -1 : residual;
        int after = epilogue.residualLast ? residual : -1;
        FloatVector bias = FloatVector.broadcast(FLOATS, epilogue.bias[filter]);
        FloatVector low = FloatVector.broadcast(FLOATS, epilogue.low);
        FloatVector high = FloatVector.broadcast(FLOATS, epilogue.high);
        for (int i = from; i < to; i += L) {
            FloatVector v = FloatVector.fromArray(FLOATS, arena, out + i).add(bias);
            if (before >= 0) {
                v = v.add(FloatVector.fromArray(FLOATS, arena, before + i));
            }
            v = v.blend(low, v.compare(VectorOperators.LT, low));
            v = v.blend(high, high.compare(VectorOperators.LT, v));
            if (after >= 0) {
                v = v.add(FloatVector.fromArray(FLOATS, arena, after + i));
            }
            v.reinterpretAsInts()
                    .and(IntVector.fromArray(INTS, inner, i))
                    .reinterpretAsFloats()
                    .intoArray(arena, out + i);
        }
    }

    /** 8 vectors of sums. */
    private static void sum8(
            float[] arena, int[] offsets, float[] values, int from, int to, int in, int out) {
        FloatVector s0 = FloatVector.zero(FLOATS);
        FloatVector s1 = FloatVector.zero(FLOATS);
        FloatVector s2 = FloatVector.zero(FLOATS);
        FloatVector s3 = FloatVector.zero(FLOATS);
        FloatVector s4 = FloatVector.zero(FLOATS);
        FloatVector s5 = FloatVector.zero(FLOATS);
        FloatVector s6 = FloatVector.zero(FLOATS);
        FloatVector s7 = FloatVector.zero(FLOATS);
        for (int tap = from; tap < to; tap++) {
            int o = in + offsets[tap];
            FloatVector w = FloatVector.broadcast(FLOATS, values[tap]);
            s0 = FloatVector.fromArray(FLOATS, arena, o).fma(w, s0);
            s1 = FloatVector.fromArray(FLOATS, arena, o + L).fma(w, s1);
            s2 = FloatVector.fromArray(FLOATS, arena, o + 2 * L).fma(w, s2);
            s3 = FloatVector.fromArray(FLOATS, arena, o + 3 * L).fma(w, s3);
            s4 = FloatVector.fromArray(FLOATS, arena, o + 4 * L).fma(w, s4);
            s5 = FloatVector.fromArray(FLOATS, arena, o + 5 * L).fma(w, s5);
            s6 = FloatVector.fromArray(FLOATS, arena, o + 6 * L).fma(w, s6);
            s7 = FloatVector.fromArray(FLOATS, arena, o + 7 * L).fma(w, s7);
        }
        s0.intoArray(arena, out);
        s1.intoArray(arena, out + L);
        s2.intoArray(arena, out + 2 * L);
        s3.intoArray(arena, out + 3 * L);
        s4.intoArray(arena, out + 4 * L);
        s5.intoArray(arena, out + 5 * L);
        s6.intoArray(arena, out + 6 * L);
        s7.intoArray(arena, out + 7 * L);
    }

    /** 7 vectors of sums. */
    private static void sum7(
            float[] arena, int[] offsets, float[] values, int from, int to, int in, int out) {
        FloatVector s0 = FloatVector.zero(FLOATS);
        FloatVector s1 = FloatVector.zero(FLOATS);
        FloatVector s2 = FloatVector.zero(FLOATS);
        FloatVector s3 = FloatVector.zero(FLOATS);
        FloatVector s4 = FloatVector.zero(FLOATS);
        FloatVector s5 = FloatVector.zero(FLOATS);
        FloatVector s6 = FloatVector.zero(FLOATS);
        for (int tap = from; tap < to; tap++) {
            int o = in + offsets[tap];
            FloatVector w = FloatVector.broadcast(FLOATS, values[tap]);
            s0 = FloatVector.fromArray(FLOATS, arena, o).fma(w, s0);
            s1 = FloatVector.fromArray(FLOATS, arena, o + L).fma(w, s1);
            s2 = FloatVector.fromArray(FLOATS, arena, o + 2 * L).fma(w, s2);
            s3 = FloatVector.fromArray(FLOATS, arena, o + 3 * L).fma(w, s3);
            s4 = FloatVector.fromArray(FLOATS, arena, o + 4 * L).fma(w, s4);
            s5 = FloatVector.fromArray(FLOATS, arena, o + 5 * L).fma(w, s5);
            s6 = FloatVector.fromArray(FLOATS, arena, o + 6 * L).fma(w, s6);
        }
        s0.intoArray(arena, out);
        s1.intoArray(arena, out + L);
        s2.intoArray(arena, out + 2 * L);
        s3.intoArray(arena, out + 3 * L);
        s4.intoArray(arena, out + 4 * L);
        s5.intoArray(arena, out + 5 * L);
        s6.intoArray(arena, out + 6 * L);
    }

    /** 6 vectors of sums. */
    private static void sum6(
            float[] arena, int[] offsets, float[] values, int from, int to, int in, int out) {
        FloatVector s0 = FloatVector.zero(FLOATS);
        FloatVector s1 = FloatVector.zero(FLOATS);
        FloatVector s2 = FloatVector.zero(FLOATS);
        FloatVector s3 = FloatVector.zero(FLOATS);
        FloatVector s4 = FloatVector.zero(FLOATS);
        FloatVector s5 = FloatVector.zero(FLOATS);
        for (int tap = from; tap < to; tap++) {
            int o = in + offsets[tap];
            FloatVector w = FloatVector.broadcast(FLOATS, values[tap]);
            s0 = FloatVector.fromArray(FLOATS, arena, o).fma(w, s0);
            s1 = FloatVector.fromArray(FLOATS, arena, o + L).fma(w, s1);
            s2 = FloatVector.fromArray(FLOATS, arena, o + 2 * L).fma(w, s2);
            s3 = FloatVector.fromArray(FLOATS, arena, o + 3 * L).fma(w, s3);
            s4 = FloatVector.fromArray(FLOATS, arena, o + 4 * L).fma(w, s4);
            s5 = FloatVector.fromArray(FLOATS, arena, o + 5 * L).fma(w, s5);
        }
        s0.intoArray(arena, out);
        s1.intoArray(arena, out + L);
        s2.intoArray(arena, out + 2 * L);
        s3.intoArray(arena, out + 3 * L);
        s4.intoArray(arena, out + 4 * L);
        s5.intoArray(arena, out + 5 * L);
    }

    /** 5 vectors of sums. */
    private static void sum5(
            float[] arena, int[] offsets, float[] values, int from, int to, int in, int out) {
        FloatVector s0 = FloatVector.zero(FLOATS);
        FloatVector s1 = FloatVector.zero(FLOATS);
        FloatVector s2 = FloatVector.zero(FLOATS);
        FloatVector s3 = FloatVector.zero(FLOATS);
        FloatVector s4 = FloatVector.zero(FLOATS);
        for (int tap = from; tap < to; tap++) {
            int o = in + offsets[tap];
            FloatVector w = FloatVector.broadcast(FLOATS, values[tap]);
            s0 = FloatVector.fromArray(FLOATS, arena, o).fma(w, s0);
            s1 = FloatVector.fromArray(FLOATS, arena, o + L).fma(w, s1);
            s2 = FloatVector.fromArray(FLOATS, arena, o + 2 * L).fma(w, s2);
            s3 = FloatVector.fromArray(FLOATS, arena, o + 3 * L).fma(w, s3);
            s4 = FloatVector.fromArray(FLOATS, arena, o + 4 * L).fma(w, s4);
        }
        s0.intoArray(arena, out);
        s1.intoArray(arena, out + L);
        s2.intoArray(arena, out + 2 * L);
        s3.intoArray(arena, out + 3 * L);
        s4.intoArray(arena, out + 4 * L);
    }

    /** 4 vectors of sums. */
    private static void sum4(
            float[] arena, int[] offsets, float[] values, int from, int to, int in, int out) {
        FloatVector s0 = FloatVector.zero(FLOATS);
        FloatVector s1 = FloatVector.zero(FLOATS);
        FloatVector s2 = FloatVector.zero(FLOATS);
        FloatVector s3 = FloatVector.zero(FLOATS);
        for (int tap = from; tap < to; tap++) {
            int o = in + offsets[tap];
            FloatVector w = FloatVector.broadcast(FLOATS, values[tap]);
            s0 = FloatVector.fromArray(FLOATS, arena, o).fma(w, s0);
            s1 = FloatVector.fromArray(FLOATS, arena, o + L).fma(w, s1);
            s2 = FloatVector.fromArray(FLOATS, arena, o + 2 * L).fma(w, s2);
            s3 = FloatVector.fromArray(FLOATS, arena, o + 3 * L).fma(w, s3);
        }
        s0.intoArray(arena, out);
        s1.intoArray(arena, out + L);
        s2.intoArray(arena, out + 2 * L);
        s3.intoArray(arena, out + 3 * L);
    }

    /** 3 vectors of sums, 2 taps at a time. */
    private static void sum3(
            float[] arena, int[] offsets, float[] values, int from, int to, int in, int out) {
        FloatVector s00 = FloatVector.zero(FLOATS);
        FloatVector s01 = FloatVector.zero(FLOATS);
        FloatVector s02 = FloatVector.zero(FLOATS);
        FloatVector s10 = FloatVector.zero(FLOATS);
        FloatVector s11 = FloatVector.zero(FLOATS);
        FloatVector s12 = FloatVector.zero(FLOATS);
        int tap = from;
        for (; tap + 1 < to; tap += 2) {
            int o0 = in + offsets[tap];
            FloatVector w0 = FloatVector.broadcast(FLOATS, values[tap]);
            s00 = FloatVector.fromArray(FLOATS, arena, o0).fma(w0, s00);
            s01 = FloatVector.fromArray(FLOATS, arena, o0 + L).fma(w0, s01);
            s02 = FloatVector.fromArray(FLOATS, arena, o0 + 2 * L).fma(w0, s02);
            int o1 = in + offsets[tap + 1];
            FloatVector w1 = FloatVector.broadcast(FLOATS, values[tap + 1]);
            s10 = FloatVector.fromArray(FLOATS, arena, o1).fma(w1, s10);
            s11 = FloatVector.fromArray(FLOATS, arena, o1 + L).fma(w1, s11);
            s12 = FloatVector.fromArray(FLOATS, arena, o1 + 2 * L).fma(w1, s12);
        }
        s00 = s00.add(s10);
        s01 = s01.add(s11);
        s02 = s02.add(s12);
        for (; tap < to; tap++) {
            int o = in + offsets[tap];
            FloatVector w = FloatVector.broadcast(FLOATS, values[tap]);
            s00 = FloatVector.fromArray(FLOATS, arena, o).fma(w, s00);
            s01 = FloatVector.fromArray(FLOATS, arena, o + L).fma(w, s01);
            s02 = FloatVector.fromArray(FLOATS, arena, o + 2 * L).fma(w, s02);
        }
        s00.intoArray(arena, out);
        s01.intoArray(arena, out + L);
        s02.intoArray(arena, out + 2 * L);
    }

    /** 2 vectors of sums, 4 taps at a time. */
    private static void sum2(
            float[] arena, int[] offsets, float[] values, int from, int to, int in, int out) {
        FloatVector s00 = FloatVector.zero(FLOATS);
        FloatVector s01 = FloatVector.zero(FLOATS);
        FloatVector s10 = FloatVector.zero(FLOATS);
        FloatVector s11 = FloatVector.zero(FLOATS);
        FloatVector s20 = FloatVector.zero(FLOATS);
        FloatVector s21 = FloatVector.zero(FLOATS);
        FloatVector s30 = FloatVector.zero(FLOATS);
        FloatVector s31 = FloatVector.zero(FLOATS);
        int tap = from;
        for (; tap + 3 < to; tap += 4) {
            int o0 = in + offsets[tap];
            FloatVector w0 = FloatVector.broadcast(FLOATS, values[tap]);
            s00 = FloatVector.fromArray(FLOATS, arena, o0).fma(w0, s00);
            s01 = FloatVector.fromArray(FLOATS, arena, o0 + L).fma(w0, s01);
            int o1 = in + offsets[tap + 1];
            FloatVector w1 = FloatVector.broadcast(FLOATS, values[tap + 1]);
            s10 = FloatVector.fromArray(FLOATS, arena, o1).fma(w1, s10);
            s11 = FloatVector.fromArray(FLOATS, arena, o1 + L).fma(w1, s11);
            int o2 = in + offsets[tap + 2];
            FloatVector w2 = FloatVector.broadcast(FLOATS, values[tap + 2]);
            s20 = FloatVector.fromArray(FLOATS, arena, o2).fma(w2, s20);
            s21 = FloatVector.fromArray(FLOATS, arena, o2 + L).fma(w2, s21);
            int o3 = in + offsets[tap + 3];
            FloatVector w3 = FloatVector.broadcast(FLOATS, values[tap + 3]);
            s30 = FloatVector.fromArray(FLOATS, arena, o3).fma(w3, s30);
            s31 = FloatVector.fromArray(FLOATS, arena, o3 + L).fma(w3, s31);
        }
        s00 = s00.add(s10).add(s20.add(s30));
        s01 = s01.add(s11).add(s21.add(s31));
        for (; tap < to; tap++) {
            int o = in + offsets[tap];
            FloatVector w = FloatVector.broadcast(FLOATS, values[tap]);
            s00 = FloatVector.fromArray(FLOATS, arena, o).fma(w, s00);
            s01 = FloatVector.fromArray(FLOATS, arena, o + L).fma(w, s01);
        }
        s00.intoArray(arena, out);
        s01.intoArray(arena, out + L);
    }

    /** 1 vectors of sums, 4 taps at a time. */
    private static void sum1(
            float[] arena, int[] offsets, float[] values, int from, int to, int in, int out) {
        FloatVector s00 = FloatVector.zero(FLOATS);
        FloatVector s10 = FloatVector.zero(FLOATS);
        FloatVector s20 = FloatVector.zero(FLOATS);
        FloatVector s30 = FloatVector.zero(FLOATS);
        int tap = from;
        for (; tap + 3 < to; tap += 4) {
            int o0 = in + offsets[tap];
            FloatVector w0 = FloatVector.broadcast(FLOATS, values[tap]);
            s00 = FloatVector.fromArray(FLOATS, arena, o0).fma(w0, s00);
            int o1 = in + offsets[tap + 1];
            FloatVector w1 = FloatVector.broadcast(FLOATS, values[tap + 1]);
            s10 = FloatVector.fromArray(FLOATS, arena, o1).fma(w1, s10);
            int o2 = in + offsets[tap + 2];
            FloatVector w2 = FloatVector.broadcast(FLOATS, values[tap + 2]);
            s20 = FloatVector.fromArray(FLOATS, arena, o2).fma(w2, s20);
            int o3 = in + offsets[tap + 3];
            FloatVector w3 = FloatVector.broadcast(FLOATS, values[tap + 3]);
            s30 = FloatVector.fromArray(FLOATS, arena, o3).fma(w3, s30);
        }
        s00 = s00.add(s10).add(s20.add(s30));
        for (; tap < to; tap++) {
            int o = in + offsets[tap];
            FloatVector w = FloatVector.broadcast(FLOATS, values[tap]);
            s00 = FloatVector.fromArray(FLOATS, arena, o).fma(w, s00);
        }
        s00.intoArray(arena, out);
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
        // What is read beside the last elements has to lie in the arena.
        int end = source + (rows - 1) * sourceStride + (columns + L) * step;
        if (lanes != 1 || step > 2 || columns < L / 8 || end + 2 * L > arena.length) {
            ScalarLoops.INSTANCE.copy(
                    arena, source, sourceStride, target, targetStride, rows, columns, step, lanes);
        } else if (step == 1) {
            for (int row = 0; row < rows; row++) {
                int from = source + row * sourceStride;
                int to = target + row * targetStride;
                for (int x = 0; x < columns; x += L) {
                    FloatVector.fromArray(FLOATS, arena, from + x).intoArray(arena, to + x);
                }
            }
        } else if (columns <= L / 2) {
            for (int row = 0; row < rows; row++) {
                FloatVector.fromArray(FLOATS, arena, source + row * sourceStride)
                        .rearrange(EVEN)
                        .intoArray(arena, target + row * targetStride);
            }
        } else {
            everySecond(arena, source, sourceStride, target, targetStride, rows, columns);
        }
    }

    private static void everySecond(
            float[] arena,
            int source,
            int sourceStride,
            int target,
            int targetStride,
            int rows,
            int columns) {
        // A column or two beside whole vectors are copied one by one.
        int byVectors = columns % L <= 2 ? columns / L * L : columns;
        for (int row = 0; row < rows; row++) {
            for (int x = 0; x < byVectors; x += L) {
                int from = source + row * sourceStride + 2 * x;
                FloatVector first = FloatVector.fromArray(FLOATS, arena, from);
                FloatVector second = FloatVector.fromArray(FLOATS, arena, from + L);
                first.rearrange(EVEN)
                        .blend(second.rearrange(EVEN), UPPER_HALF)
                        .intoArray(arena, target + row * targetStride + x);
            }
        }
        for (int x = byVectors; x < columns; x++) {
            for (int row = 0; row < rows; row++) {
                arena[target + row * targetStride + x] = arena[source + row * sourceStride + 2 * x];
            }
        }
    }

    @Override
    public void pool(float[] arena, Pooling pooling, int source, int target) {
        int lanes = pooling.in.lanes();
        if (lanes % L == 0) {
            for (int lane = 0; lane < lanes; lane += L) {
                poolLanes(arena, pooling, source + lane, target + lane);
            }
        } else if (lanes == 1 && pooling.max && pooling.halves) {
            maxOfFour(arena, pooling, source, target);
        } else {
            ScalarLoops.INSTANCE.pool(arena, pooling, source, target);
        }
    }

    /** As many images as there are in a vector. */
    private static void poolLanes(float[] arena, Pooling pooling, int source, int target) {
        int lanes = pooling.in.lanes();
        int inStride = pooling.in.rowStride() * lanes;
        int outStride = pooling.out.rowStride() * lanes;
        Pooling.Axis rows = pooling.rows;
        Pooling.Axis columns = pooling.columns;
        for (int y = 0; y < rows.starts.length; y++) {
            for (int x = 0; x < columns.starts.length; x++) {
                int place = target + y * outStride + x * lanes;
                if (pooling.max) {
                    FloatVector most = FloatVector.broadcast(FLOATS, Float.NEGATIVE_INFINITY);
                    for (int v = rows.starts[y]; v < rows.ends[y]; v += rows.step) {
                        int row = source + v * inStride;
                        for (int u = columns.starts[x]; u < columns.ends[x]; u += columns.step) {
                            most = most.max(FloatVector.fromArray(FLOATS, arena, row + u * lanes));
                        }
                    }
                    most.intoArray(arena, place);
                } else {
                    FloatVector sum = FloatVector.zero(FLOATS);
                    for (int v = rows.starts[y]; v < rows.ends[y]; v += rows.step) {
                        int row = source + v * inStride;
                        for (int u = columns.starts[x]; u < columns.ends[x]; u += columns.step) {
                            sum = sum.add(FloatVector.fromArray(FLOATS, arena, row + u * lanes));
                        }
                    }
                    sum.div((float) rows.counts[y] * columns.counts[x]).intoArray(arena, place);
                }
            }
        }
    }

    /** The greatest of two rows' neighbouring pairs. */
    private static void maxOfFour(float[] arena, Pooling pooling, int source, int target) {
        int columns = pooling.out.width();
        int inStride = pooling.in.rowStride();
        if (source + pooling.in.run() + 2 * L > arena.length) {
            ScalarLoops.INSTANCE.pool(arena, pooling, source, target);
            return;
        }
        FloatVector zero = FloatVector.zero(FLOATS);
        for (int y = 0; y < pooling.out.height(); y++) {
            int upper = source + 2 * y * inStride;
            int to = target + y * pooling.out.rowStride();
            for (int x = 0; x < columns; x += L) {
                FloatVector left =
                        FloatVector.fromArray(FLOATS, arena, upper + 2 * x)
                                .max(
                                        FloatVector.fromArray(
                                                FLOATS, arena, upper + inStride + 2 * x));
                FloatVector right =
                        FloatVector.fromArray(FLOATS, arena, upper + 2 * x + L)
                                .max(
                                        FloatVector.fromArray(
                                                FLOATS, arena, upper + inStride + 2 * x + L));
                FloatVector even = left.rearrange(EVEN).blend(right.rearrange(EVEN), UPPER_HALF);
                FloatVector odd = left.rearrange(ODD).blend(right.rearrange(ODD), UPPER_HALF);
                FloatVector most = even.max(odd);
                if (columns - x < L) {
                    // Zeros into the gap; what they overwrite of the next row comes later.
                    most =
                            zero.blend(
                                    most, INDEX.compare(VectorOperators.LT, (float) (columns - x)));
                }
                most.intoArray(arena, to + x);
            }
        }
    }

    @Override
    public void features(float[] arena, Features features, int group, int from, int to) {
        if (features.lanes % L != 0 || !features.epilogue.clamps) {
            ScalarLoops.INSTANCE.features(arena, features, group, from, to);
            return;
        }
        for (int row = from; row < to; row++) {
            for (int lane = 0; lane < features.lanes; lane += L) {
                lanes(arena, features, group, row, lane);
            }
        }
    }

    /** One output of as many images as there are in a vector. */
    private static void lanes(float[] arena, Features features, int group, int row, int lane) {
        int filter = features.filtersByLength[row];
        int[] offsets = features.offsets;
        float[] values = features.values;
        Epilogue epilogue = features.epilogue;
        int in = features.inFirst + group * features.inGroupStride + lane;
        int tap = features.starts[row];
        int end = tap + features.lengths[row];
        FloatVector s0 = FloatVector.broadcast(FLOATS, epilogue.bias[filter]);
        FloatVector s1 = FloatVector.zero(FLOATS);
        FloatVector s2 = FloatVector.zero(FLOATS);
        FloatVector s3 = FloatVector.zero(FLOATS);
        for (; tap + 3 < end; tap += 4) {
            FloatVector w0 = FloatVector.broadcast(FLOATS, values[tap]);
            FloatVector w1 = FloatVector.broadcast(FLOATS, values[tap + 1]);
            FloatVector w2 = FloatVector.broadcast(FLOATS, values[tap + 2]);
            FloatVector w3 = FloatVector.broadcast(FLOATS, values[tap + 3]);
            s0 = FloatVector.fromArray(FLOATS, arena, in + offsets[tap]).fma(w0, s0);
            s1 = FloatVector.fromArray(FLOATS, arena, in + offsets[tap + 1]).fma(w1, s1);
            s2 = FloatVector.fromArray(FLOATS, arena, in + offsets[tap + 2]).fma(w2, s2);
            s3 = FloatVector.fromArray(FLOATS, arena, in + offsets[tap + 3]).fma(w3, s3);
        }
        for (; tap < end; tap++) {
            FloatVector w = FloatVector.broadcast(FLOATS, values[tap]);
            s0 = FloatVector.fromArray(FLOATS, arena, in + offsets[tap]).fma(w, s0);
        }
        FloatVector v = s0.add(s1).add(s2.add(s3));
        int residual = epilogue.residual(group, filter);
        if (residual >= 0 && !epilogue.residualLast) {
            v = v.add(FloatVector.fromArray(FLOATS, arena, residual + lane));
        }
        FloatVector low = FloatVector.broadcast(FLOATS, epilogue.low);
        FloatVector high = FloatVector.broadcast(FLOATS, epilogue.high);
        v = v.blend(low, v.compare(VectorOperators.LT, low));
        v = v.blend(high, high.compare(VectorOperators.LT, v));
        if (residual >= 0 && epilogue.residualLast) {
            v = v.add(FloatVector.fromArray(FLOATS, arena, residual + lane));
        }
        int out = features.outFirst + group * features.outGroupStride + filter * features.lanes;
        v.intoArray(arena, out + lane);
    }
}
