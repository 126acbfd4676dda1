package io.flipout.tensor;

import static io.flipout.tensor.BoxMuller.C0;
import static io.flipout.tensor.BoxMuller.C1;
import static io.flipout.tensor.BoxMuller.C2;
import static io.flipout.tensor.BoxMuller.C3;
import static io.flipout.tensor.BoxMuller.FIRST_MULTIPLIER;
import static io.flipout.tensor.BoxMuller.FIRST_SHIFT;
import static io.flipout.tensor.BoxMuller.FRACTION;
import static io.flipout.tensor.BoxMuller.L0;
import static io.flipout.tensor.BoxMuller.L1;
import static io.flipout.tensor.BoxMuller.L2;
import static io.flipout.tensor.BoxMuller.L3;
import static io.flipout.tensor.BoxMuller.L4;
import static io.flipout.tensor.BoxMuller.LAST_SHIFT;
import static io.flipout.tensor.BoxMuller.ONE;
import static io.flipout.tensor.BoxMuller.RADIUS;
import static io.flipout.tensor.BoxMuller.S0;
import static io.flipout.tensor.BoxMuller.S1;
import static io.flipout.tensor.BoxMuller.S2;
import static io.flipout.tensor.BoxMuller.SECOND_MULTIPLIER;
import static io.flipout.tensor.BoxMuller.SECOND_SHIFT;
import static io.flipout.tensor.BoxMuller.SQRT_HALF;
import static io.flipout.tensor.BoxMuller.STEP;
import static io.flipout.tensor.BoxMuller.THIRD_MULTIPLIER;
import static io.flipout.tensor.BoxMuller.THIRD_SHIFT;
import static io.flipout.tensor.BoxMuller.TWO_TO_31;
import static io.flipout.tensor.BoxMuller.UNIT;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.stream.IntStream;

/** Loops in plain Java. */
final class PlainLoops implements StepLoops {

    private static final VarHandle EIGHT =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());

    /** Eight bytes of a mask that are 1. */
    private static final long ALL = 0x0101010101010101L;

    static final PlainLoops INSTANCE = new PlainLoops();

    /** 0, 1, 2, …: the compiler makes vectors of what it reads, but not of a loop's counter. */
    private static final int[] INDEX = IntStream.range(0, NormalNumbers.PAIRS).toArray();

    private static final ThreadLocal<Scratch> SCRATCH = ThreadLocal.withInitial(Scratch::new);

    private static final class Scratch {
        final int[] radiusWords = new int[NormalNumbers.PAIRS];
        final int[] angleWords = new int[NormalNumbers.PAIRS];
        final float[] exponents = new float[NormalNumbers.PAIRS];
        final float[] mantissas = new float[NormalNumbers.PAIRS];
        final float[] angles = new float[NormalNumbers.PAIRS];
        final float[] cosines = new float[NormalNumbers.PAIRS];
        final float[] sines = new float[NormalNumbers.PAIRS];
    }

    private PlainLoops() {}

    /**
     * In loops over arrays that fit the first-level cache, which the compiler makes vectors of
     * where it can. What turns words into floats it cannot, and stands apart.
     */
    @Override
    public void normals(
            long radiusKey, long angleKey, int first, int count, float[] numbers, int at) {
        Scratch scratch = SCRATCH.get();
        float[] radii = scratch.exponents; // They take the place of what they are made from.
        hash(radiusKey, first, scratch.radiusWords, count);
        hash(angleKey, first, scratch.angleWords, count);
        take(scratch, count);
        radii(scratch.mantissas, radii, count);
        turn(radii, scratch.angles, scratch.cosines, scratch.sines, count);
        System.arraycopy(scratch.cosines, 0, numbers, at, count);
        System.arraycopy(scratch.sines, 0, numbers, at + NormalNumbers.PAIRS, count);
    }

    private static void hash(long key, int firstPair, int[] words, int count) {
        int first = (int) key + firstPair;
        int second = (int) (key >>> Integer.SIZE);
        for (int i = 0; i < count; i++) {
            int word = INDEX[i] + first;
            word ^= word >>> FIRST_SHIFT;
            word *= FIRST_MULTIPLIER;
            word += second;
            word ^= word >>> SECOND_SHIFT;
            word *= SECOND_MULTIPLIER;
            word ^= word >>> THIRD_SHIFT;
            word *= THIRD_MULTIPLIER;
            words[i] = word ^ (word >>> LAST_SHIFT);
        }
    }

    /** Takes the words apart: u = 2⁻ᵉ·m with m in [1, 2), and what is to become an angle. */
    private static void take(Scratch scratch, int count) {
        int[] radiusWords = scratch.radiusWords;
        int[] angleWords = scratch.angleWords;
        float[] exponents = scratch.exponents;
        float[] mantissas = scratch.mantissas;
        float[] angles = scratch.angles;
        for (int i = 0; i < count; i++) {
            // 2³¹·u, never 0. As an integer a float is its logarithm, with lines for curves.
            int bits = Float.floatToRawIntBits((float) ((radiusWords[i] >>> 1) | 1));
            exponents[i] = (float) (TWO_TO_31 - bits);
            mantissas[i] = Float.intBitsToFloat((bits & FRACTION) | ONE);
            angles[i] = (float) angleWords[i];
        }
    }

    private static void radii(float[] mantissas, float[] exponentsThenRadii, int count) {
        for (int i = 0; i < count; i++) {
            float t = mantissas[i] - 1f;
            float curve = (((L4 * t + L3) * t + L2) * t + L1) * t + L0;
            float logarithm = exponentsThenRadii[i] * STEP - t * (1f - t) * curve;
            exponentsThenRadii[i] = (float) Math.sqrt(logarithm) * RADIUS;
        }
    }

    /** A quarter of the angle, from −π/4 to π/4, doubled twice. */
    private static void turn(
            float[] radii, float[] angles, float[] cosines, float[] sines, int count) {
        for (int i = 0; i < count; i++) {
            float v = angles[i] * UNIT;
            float square = v * v;
            float sine = ((S2 * square + S1) * square + S0) * v; // Times √2.
            float cosine = ((C3 * square + C2) * square + C1) * square + C0; // Times 2.
            float doubleSine = sine * cosine; // Times √2.
            float doubleCosine = 1f - sine * sine;
            cosines[i] = (1f - doubleSine * doubleSine) * SQRT_HALF * radii[i];
            sines[i] = doubleSine * doubleCosine * radii[i];
        }
    }

    @Override
    public double squares(float[] values, int size) {
        double s0 = 0;
        double s1 = 0;
        double s2 = 0;
        double s3 = 0;
        double s4 = 0;
        double s5 = 0;
        double s6 = 0;
        double s7 = 0;
        int i = 0;
        for (; i + 8 <= size; i += 8) {
            s0 += (double) values[i] * values[i];
            s1 += (double) values[i + 1] * values[i + 1];
            s2 += (double) values[i + 2] * values[i + 2];
            s3 += (double) values[i + 3] * values[i + 3];
            s4 += (double) values[i + 4] * values[i + 4];
            s5 += (double) values[i + 5] * values[i + 5];
            s6 += (double) values[i + 6] * values[i + 6];
            s7 += (double) values[i + 7] * values[i + 7];
        }
        return squares(new double[] {s0, s1, s2, s3, s4, s5, s6, s7}, values, i, size);
    }

    /** Adds the squares of what is left to eight sums, and these up. */
    static double squares(double[] sums, float[] values, int from, int size) {
        for (int i = from; i < size; i++) {
            sums[i % 8] += (double) values[i] * values[i];
        }
        return (sums[0] + sums[1] + (sums[2] + sums[3]))
                + (sums[4] + sums[5] + (sums[6] + sums[7]));
    }

    @Override
    public void mask(float[] values, int size, byte[] mask, int from) {
        int i = 0;
        for (; i + Long.BYTES <= size; i += Long.BYTES) {
            long eight = (long) EIGHT.get(mask, from + i);
            if (eight == 0) {
                Arrays.fill(values, i, i + Long.BYTES, 0f);
            } else if (eight != ALL) {
                mask(values, i, i + Long.BYTES, mask, from);
            }
        }
        mask(values, i, size, mask, from);
    }

    static void mask(float[] values, int begin, int end, byte[] mask, int from) {
        for (int i = begin; i < end; i++) {
            int bits = Float.floatToRawIntBits(values[i]);
            values[i] = Float.intBitsToFloat(bits & -mask[from + i]);
        }
    }

    @Override
    public void mask(int[] counts, byte[] mask, int from, int to) {
        for (int i = from; i < to; i++) {
            counts[i] &= -mask[i];
        }
    }

    @Override
    public void signs(float[] weights, int size, byte[] signs, int from) {
        signs(weights, 0, size, signs, from);
    }

    static void signs(float[] weights, int begin, int end, byte[] signs, int from) {
        for (int i = begin; i < end; i++) {
            signs[from + i] = Signs.of(weights[i]);
        }
    }

    @Override
    public void countFlips(float[] weights, int size, byte[] signs, int[] flips, int from) {
        countFlips(weights, 0, size, signs, flips, from);
    }

    static void countFlips(
            float[] weights, int begin, int end, byte[] signs, int[] flips, int from) {
        for (int i = begin; i < end; i++) {
            byte sign = Signs.of(weights[i]);
            if (sign != signs[from + i]) {
                signs[from + i] = sign;
                flips[from + i]++;
            }
        }
    }
}
