package io.flipout.inference.kernel;

import jdk.incubator.vector.ByteVector;
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

    /** The widest that the processor has, but no wider than the room behind planes. */
    private static final VectorSpecies<Float> FLOATS =
            FloatVector.SPECIES_PREFERRED.length() > Planes.ROOM
                    ? FloatVector.SPECIES_512
                    : FloatVector.SPECIES_PREFERRED;

    private static final VectorSpecies<Integer> INTS =
            VectorSpecies.of(int.class, FLOATS.vectorShape());
    private static final int L = FLOATS.length();
    private static final VectorSpecies<Byte> BYTES = ByteVector.SPECIES_128;

    /** Filters of as many taps or fewer are computed plane by plane. */
    private static final int FEW = 8;

    /** Of smaller planes there is too little to compute at once. */
    private static final int LARGE = 12 * Planes.ROOM;

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
        boolean together = starts[to] - starts[from] > SPARSE * (to - from);
        if (!taps.isRun()) {
            tiles(arena, taps, group, from, to);
            return;
        }
        if (taps.isSmall()) {
            small(arena, taps, group, from, to);
            return;
        }
        for (int filter = from; filter < to; filter++) {
            if (isFew(taps, filter)) {
                few(arena, taps, group, filter);
            } else if (!together) {
                blocks(arena, taps, group, filter, filter + 1, false);
                finish(arena, taps, group, filter, 0, taps.inner.length);
            }
        }
        if (together) {
            blocks(arena, taps, group, from, to, true);
        }
    }

    /**
     * The sums of all filters but those of few taps, block by block of positions, so that what they
     * read of them stays near.
     */
    private static void blocks(
            float[] arena, Taps taps, int group, int from, int to, boolean finish) {
        int vectors = (taps.stretch + L - 1) / L;
        for (int stretch = 0; stretch < taps.stretches; stretch++) {
            int start = stretch * taps.stretchStride;
            for (int at = 0; at < vectors; at += block(vectors - at)) {
                int block = block(vectors - at);
                int first = start + at * L;
                for (int filter = from; filter < to; filter++) {
                    if (!isFew(taps, filter)) {
                        sum(arena, taps, group, filter, first, block);
                        if (finish) {
                            finish(arena, taps, group, filter, first, first + block * L);
                        }
                    }
                }
            }
        }
    }

    /** Tiles of outputs whose inputs lie further apart; the last ones of all overlap others. */
    private static void tiles(float[] arena, Taps taps, int group, int from, int to) {
        for (int row = 0; row < taps.rows; row += Taps.TILE_ROWS) {
            int y = Math.min(row, taps.rows - Taps.TILE_ROWS);
            for (int column = 0; column < taps.columns; column += Taps.TILE_COLUMNS) {
                int x = Math.min(column, taps.columns - Taps.TILE_COLUMNS);
                int at = y * taps.outRowStride + x * taps.outStep;
                int in = y * taps.inRowStride + x * taps.inStep;
                int length = Taps.TILE_COLUMNS * taps.outStep;
                for (int filter = from; filter < to; filter++) {
                    for (int lane = 0; lane < taps.outStep; lane += L) {
                        tile(arena, taps, group, filter, in + lane, at + lane);
                    }
                    int below = at + taps.outRowStride;
                    finish(arena, taps, group, filter, at, at + length);
                    finish(arena, taps, group, filter, below, below + length);
                }
            }
        }
    }

    /** A vector of each output of a tile. */
    private static void tile(float[] arena, Taps taps, int group, int filter, int from, int to) {
        int[] offsets = taps.offsets;
        float[] values = taps.values;
        int in = taps.inFirst + group * taps.inGroupStride + from;
        int step = taps.inStep;
        int end = taps.starts[filter + 1];
        FloatVector s00 = FloatVector.zero(FLOATS);
        FloatVector s01 = FloatVector.zero(FLOATS);
        FloatVector s02 = FloatVector.zero(FLOATS);
        FloatVector s03 = FloatVector.zero(FLOATS);
        FloatVector s10 = FloatVector.zero(FLOATS);
        FloatVector s11 = FloatVector.zero(FLOATS);
        FloatVector s12 = FloatVector.zero(FLOATS);
        FloatVector s13 = FloatVector.zero(FLOATS);
        for (int tap = taps.starts[filter]; tap < end; tap++) {
            int o = in + offsets[tap];
            FloatVector w = FloatVector.broadcast(FLOATS, values[tap]);
            s00 = FloatVector.fromArray(FLOATS, arena, o).fma(w, s00);
            s01 = FloatVector.fromArray(FLOATS, arena, o + step).fma(w, s01);
            s02 = FloatVector.fromArray(FLOATS, arena, o + 2 * step).fma(w, s02);
            s03 = FloatVector.fromArray(FLOATS, arena, o + 3 * step).fma(w, s03);
            o += taps.inRowStride;
            s10 = FloatVector.fromArray(FLOATS, arena, o).fma(w, s10);
            s11 = FloatVector.fromArray(FLOATS, arena, o + step).fma(w, s11);
            s12 = FloatVector.fromArray(FLOATS, arena, o + 2 * step).fma(w, s12);
            s13 = FloatVector.fromArray(FLOATS, arena, o + 3 * step).fma(w, s13);
        }
        int out = taps.out(group, filter) + to;
        int outStep = taps.outStep;
        s00.intoArray(arena, out);
        s01.intoArray(arena, out + outStep);
        s02.intoArray(arena, out + 2 * outStep);
        s03.intoArray(arena, out + 3 * outStep);
        out += taps.outRowStride;
        s10.intoArray(arena, out);
        s11.intoArray(arena, out + outStep);
        s12.intoArray(arena, out + 2 * outStep);
        s13.intoArray(arena, out + 3 * outStep);
    }

    /** Planes that are small. */
    private static void small(float[] arena, Taps taps, int group, int from, int to) {
        int vectors = (taps.run + L - 1) / L;
        for (int at = 0; at < vectors; at += 2) {
            if (at + 1 < vectors) {
                planes2(arena, taps, group, from, to, at * L);
            } else {
                planes1(arena, taps, group, from, to, at * L);
            }
        }
    }

    /** Says it of a filter whatever is computed along with it, as sums are rounded otherwise. */
    private static boolean isFew(Taps taps, int filter) {
        return taps.run >= LARGE
                && taps.starts[filter + 1] - taps.starts[filter] <= FEW
                && taps.epilogue.clamps;
    }

    /** How many of so many vectors are summed up next: no few are left behind. */
    private static int block(int left) {
        return left >= 13 || left == 8 ? 8 : left >= 11 ? 6 : left >= 9 ? 5 : left;
    }

    /** Writes a block of sums of a filter. */
    private static void sum(float[] arena, Taps taps, int group, int filter, int at, int block) {
        int tap = taps.starts[filter];
        int end = taps.starts[filter + 1];
        int in = taps.inFirst + group * taps.inGroupStride + at;
        int out = taps.out(group, filter) + at;
        switch (block) {
            case 8:
                sum8(arena, taps.offsets, taps.values, tap, end, in, out);
                break;

            case 7:
                sum7(arena, taps.offsets, taps.values, tap, end, in, out);
                break;

            case 6:
                sum6(arena, taps.offsets, taps.values, tap, end, in, out);
                break;

            case 5:
                sum5(arena, taps.offsets, taps.values, tap, end, in, out);
                break;

            case 4:
                sum4(arena, taps.offsets, taps.values, tap, end, in, out);
                break;

            case 3:
                sum3(arena, taps.offsets, taps.values, tap, end, in, out);
                break;

            default:
                throw new AssertionError(block); // Smaller planes are computed otherwise.
        }
    }

    /** A filter of few taps, read and written once. */
    private static void few(float[] arena, Taps taps, int group, int filter) {
        int tap = taps.starts[filter];
        int count = taps.starts[filter + 1] - tap;
        int in = taps.inFirst + group * taps.inGroupStride;
        int out = taps.out(group, filter);
        int[] inner = taps.inner;
        Epilogue epilogue = taps.epilogue;
        int residual = epilogue.residual(group, filter);
        int before = epilogue.residualLast ? -1 : residual;
        int after = epilogue.residualLast ? residual : -1;
        FloatVector bias = FloatVector.broadcast(FLOATS, epilogue.bias[filter]);
        FloatVector low = FloatVector.broadcast(FLOATS, epilogue.low);
        FloatVector high = FloatVector.broadcast(FLOATS, epilogue.high);
        boolean hasHigh = epilogue.high < Float.POSITIVE_INFINITY;
        FloatVector zero = FloatVector.zero(FLOATS);
        int o0 = in + (count > 0 ? taps.offsets[tap] : 0);
        int o1 = in + (count > 1 ? taps.offsets[tap + 1] : 0);
        int o2 = in + (count > 2 ? taps.offsets[tap + 2] : 0);
        int o3 = in + (count > 3 ? taps.offsets[tap + 3] : 0);
        int o4 = in + (count > 4 ? taps.offsets[tap + 4] : 0);
        int o5 = in + (count > 5 ? taps.offsets[tap + 5] : 0);
        int o6 = in + (count > 6 ? taps.offsets[tap + 6] : 0);
        int o7 = in + (count > 7 ? taps.offsets[tap + 7] : 0);
        FloatVector w0 = FloatVector.broadcast(FLOATS, count > 0 ? taps.values[tap] : 0f);
        FloatVector w1 = FloatVector.broadcast(FLOATS, count > 1 ? taps.values[tap + 1] : 0f);
        FloatVector w2 = FloatVector.broadcast(FLOATS, count > 2 ? taps.values[tap + 2] : 0f);
        FloatVector w3 = FloatVector.broadcast(FLOATS, count > 3 ? taps.values[tap + 3] : 0f);
        FloatVector w4 = FloatVector.broadcast(FLOATS, count > 4 ? taps.values[tap + 4] : 0f);
        FloatVector w5 = FloatVector.broadcast(FLOATS, count > 5 ? taps.values[tap + 5] : 0f);
        FloatVector w6 = FloatVector.broadcast(FLOATS, count > 6 ? taps.values[tap + 6] : 0f);
        FloatVector w7 = FloatVector.broadcast(FLOATS, count > 7 ? taps.values[tap + 7] : 0f);
        for (int i = 0; i < inner.length; i += L) {
            FloatVector v = zero;
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
            if (count > 4) {
                v = FloatVector.fromArray(FLOATS, arena, o4 + i).fma(w4, v);
            }
            if (count > 5) {
                v = FloatVector.fromArray(FLOATS, arena, o5 + i).fma(w5, v);
            }
            if (count > 6) {
                v = FloatVector.fromArray(FLOATS, arena, o6 + i).fma(w6, v);
            }
            if (count > 7) {
                v = FloatVector.fromArray(FLOATS, arena, o7 + i).fma(w7, v);
            }
            v = v.add(bias);
            if (before >= 0) {
                v = v.add(FloatVector.fromArray(FLOATS, arena, before + i));
            }
            v = v.max(low);
            if (hasHigh) {
                v = v.min(high);
            }
            if (after >= 0) {
                v = v.add(FloatVector.fromArray(FLOATS, arena, after + i));
            }
            v.reinterpretAsInts()
                    .and(IntVector.fromArray(INTS, inner, i))
                    .reinterpretAsFloats()
                    .intoArray(arena, out + i);
        }
    }

    /** Makes outputs of the sums from one place to another. */
    private static void finish(float[] arena, Taps taps, int group, int filter, int from, int to) {
        Epilogue epilogue = taps.epilogue;
        if (!epilogue.clamps) {
            ScalarLoops.finish(arena, taps, group, filter, from, to);
            return;
        }
        int out = taps.out(group, filter);
        int[] inner = taps.inner;
        int residual = epilogue.residual(group, filter);
        int before = epilogue.residualLast ? -1 : residual;
        int after = epilogue.residualLast ? residual : -1;
        FloatVector bias = FloatVector.broadcast(FLOATS, epilogue.bias[filter]);
        FloatVector low = FloatVector.broadcast(FLOATS, epilogue.low);
        FloatVector high = FloatVector.broadcast(FLOATS, epilogue.high);
        boolean hasHigh = epilogue.high < Float.POSITIVE_INFINITY;
        for (int i = from; i < to; i += L) {
            FloatVector v = FloatVector.fromArray(FLOATS, arena, out + i).add(bias);
            if (before >= 0) {
                v = v.add(FloatVector.fromArray(FLOATS, arena, before + i));
            }
            v = v.max(low);
            if (hasHigh) {
                v = v.min(high);
            }
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

    /** 3 vectors of sums. */
    private static void sum3(
            float[] arena, int[] offsets, float[] values, int from, int to, int in, int out) {
        FloatVector s0 = FloatVector.zero(FLOATS);
        FloatVector s1 = FloatVector.zero(FLOATS);
        FloatVector s2 = FloatVector.zero(FLOATS);
        for (int tap = from; tap < to; tap++) {
            int o = in + offsets[tap];
            FloatVector w = FloatVector.broadcast(FLOATS, values[tap]);
            s0 = FloatVector.fromArray(FLOATS, arena, o).fma(w, s0);
            s1 = FloatVector.fromArray(FLOATS, arena, o + L).fma(w, s1);
            s2 = FloatVector.fromArray(FLOATS, arena, o + 2 * L).fma(w, s2);
        }
        s0.intoArray(arena, out);
        s1.intoArray(arena, out + L);
        s2.intoArray(arena, out + 2 * L);
    }

    /** 2 vectors of small planes, 4 taps at a time. */
    private static void planes2(float[] arena, Taps taps, int group, int from, int to, int at) {
        int[] offsets = taps.offsets;
        float[] values = taps.values;
        int in = taps.inFirst + group * taps.inGroupStride + at;
        for (int filter = from; filter < to; filter++) {
            int end = taps.starts[filter + 1];
            int out = taps.out(group, filter);
            FloatVector s00 = FloatVector.zero(FLOATS);
            FloatVector s01 = FloatVector.zero(FLOATS);
            FloatVector s10 = FloatVector.zero(FLOATS);
            FloatVector s11 = FloatVector.zero(FLOATS);
            FloatVector s20 = FloatVector.zero(FLOATS);
            FloatVector s21 = FloatVector.zero(FLOATS);
            FloatVector s30 = FloatVector.zero(FLOATS);
            FloatVector s31 = FloatVector.zero(FLOATS);
            int tap = taps.starts[filter];
            for (; tap + 3 < end; tap += 4) {
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
            for (; tap < end; tap++) {
                int o = in + offsets[tap];
                FloatVector w = FloatVector.broadcast(FLOATS, values[tap]);
                s00 = FloatVector.fromArray(FLOATS, arena, o).fma(w, s00);
                s01 = FloatVector.fromArray(FLOATS, arena, o + L).fma(w, s01);
            }
            s00.intoArray(arena, out + at);
            s01.intoArray(arena, out + at + L);
            finish(arena, taps, group, filter, at, at + 2 * L);
        }
    }

    /** A vector of small planes, 4 taps at a time. */
    private static void planes1(float[] arena, Taps taps, int group, int from, int to, int at) {
        int[] offsets = taps.offsets;
        float[] values = taps.values;
        int in = taps.inFirst + group * taps.inGroupStride + at;
        for (int filter = from; filter < to; filter++) {
            int end = taps.starts[filter + 1];
            int out = taps.out(group, filter);
            FloatVector s00 = FloatVector.zero(FLOATS);
            FloatVector s10 = FloatVector.zero(FLOATS);
            FloatVector s20 = FloatVector.zero(FLOATS);
            FloatVector s30 = FloatVector.zero(FLOATS);
            int tap = taps.starts[filter];
            for (; tap + 3 < end; tap += 4) {
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
            for (; tap < end; tap++) {
                int o = in + offsets[tap];
                FloatVector w = FloatVector.broadcast(FLOATS, values[tap]);
                s00 = FloatVector.fromArray(FLOATS, arena, o).fma(w, s00);
            }
            s00.intoArray(arena, out + at);
            finish(arena, taps, group, filter, at, at + L);
        }
    }

    @Override
    public void move(float[] arena, Gather gather, int from, int to, int source, int target) {
        int[] sources = gather.sources.values;
        int[] targets = gather.targets.values;
        if (gather.isByPairs()) {
            // One loop, so that what it takes to move elements is prepared once.
            for (int move = from; move < to; move++) {
                for (int i = 0; i < Planes.ROOM; i += L) {
                    FloatVector.fromArray(FLOATS, arena, source + sources[move] + i)
                            .rearrange(EVEN)
                            .intoArray(arena, target + targets[move] + i / 2);
                }
            }
            return;
        }
        int lanes = gather.lanes;
        if (lanes % L != 0 && (lanes != 1 || gather.step != 1)) {
            ScalarLoops.INSTANCE.move(arena, gather, from, to, source, target);
            return;
        }
        int floats = lanes == 1 ? L : lanes; // One step moves so many.
        int step = lanes == 1 ? L : gather.step * lanes;
        for (int move = from; move < to; move++) {
            int s = source + sources[move];
            int end = target + targets[move] + gather.lengths.values[move] * lanes;
            for (int t = target + targets[move]; t < end; t += floats) {
                for (int i = 0; i < floats; i += L) {
                    FloatVector.fromArray(FLOATS, arena, s + i).intoArray(arena, t + i);
                }
                s += step;
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
                FloatVector.broadcast(FLOATS, pooling.max ? Float.NEGATIVE_INFINITY : 0f)
                        .intoArray(arena, place);
                for (int v = rows.starts[y]; v < rows.ends[y]; v += rows.step) {
                    poolRow(arena, pooling, source + v * inStride, x, place);
                }
                if (!pooling.max) {
                    FloatVector.fromArray(FLOATS, arena, place)
                            .div((float) rows.counts[y] * columns.counts[x])
                            .intoArray(arena, place);
                }
            }
        }
    }

    /**
     * Adds a window's row to what its other rows gave. That lies in the arena in between: the
     * compiler makes objects of vectors that live through two loops.
     */
    private static void poolRow(float[] arena, Pooling pooling, int row, int x, int place) {
        int lanes = pooling.in.lanes();
        Pooling.Axis columns = pooling.columns;
        FloatVector result = FloatVector.fromArray(FLOATS, arena, place);
        if (pooling.max) {
            for (int u = columns.starts[x]; u < columns.ends[x]; u += columns.step) {
                result = result.max(FloatVector.fromArray(FLOATS, arena, row + u * lanes));
            }
        } else {
            for (int u = columns.starts[x]; u < columns.ends[x]; u += columns.step) {
                result = result.add(FloatVector.fromArray(FLOATS, arena, row + u * lanes));
            }
        }
        result.intoArray(arena, place);
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
        if (L == Windows.LANES && features.windows != null && group == 0) {
            single(arena, features, from, to);
            return;
        }
        if (!features.isByVectors()) {
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
        int in = group * features.inGroupStride + lane;
        int tap = features.starts[row];
        int end = features.starts[row + 1];
        FloatVector s0 = FloatVector.broadcast(FLOATS, features.biases[row]);
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

    /** Blocks of outputs of a single image. */
    private static void single(float[] arena, Features features, int from, int to) {
        int blocks = Windows.ROWS / Features.ROWS; // Of eight outputs.
        int block = from;
        while (block < to) {
            int whole = block / blocks;
            boolean isWhole = block % blocks == 0 && block + blocks <= to;
            int next = isWhole && features.windows.has(whole) ? block + blocks : block + 1;
            if (next == block + 1 || !windows(arena, features, whole)) {
                ScalarLoops.INSTANCE.features(arena, features, 0, block, next);
            }
            block = next;
        }
    }

    /**
     * A block of outputs of a single image, with the results of one by one. False if nothing is
     * written: an input was infinite or undefined, which is so even when multiplied by 0.
     */
    private static boolean windows(float[] arena, Features features, int block) {
        Windows windows = features.windows;
        int[] places = windows.places;
        byte[] picks = windows.picks;
        float[] values = windows.values;
        int end = windows.starts[block + 1];
        FloatVector s0 = FloatVector.zero(FLOATS);
        FloatVector s1 = FloatVector.zero(FLOATS);
        for (int step = windows.starts[block]; step < end; step++) {
            IntVector pick =
                    (IntVector) ByteVector.fromArray(BYTES, picks, step * L).castShape(INTS, 0);
            FloatVector x =
                    pick.selectFrom(
                                    FloatVector.fromArray(FLOATS, arena, places[step])
                                            .reinterpretAsInts())
                            .reinterpretAsFloats();
            s0 = FloatVector.fromArray(FLOATS, values, step * 2 * L).mul(x).add(s0);
            s1 = FloatVector.fromArray(FLOATS, values, step * 2 * L + L).mul(x).add(s1);
        }
        int row = block * Windows.ROWS;
        s0 = s0.add(FloatVector.fromArray(FLOATS, features.biases, row));
        s1 = s1.add(FloatVector.fromArray(FLOATS, features.biases, row + L));
        FloatVector both = s0.add(s1);
        if (both.compare(VectorOperators.NE, both).anyTrue()) {
            return false;
        }
        float low = features.epilogue.low;
        float high = features.epilogue.high;
        s0.max(low).min(high).intoArray(arena, 0, features.outs, row);
        s1.max(low).min(high).intoArray(arena, 0, features.outs, row + L);
        return true;
    }
}
