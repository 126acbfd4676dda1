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
import static jdk.incubator.vector.VectorOperators.AND;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.B2I;
import static jdk.incubator.vector.VectorOperators.F2D;
import static jdk.incubator.vector.VectorOperators.I2B;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.NE;
import static jdk.incubator.vector.VectorOperators.OR;
import static jdk.incubator.vector.VectorOperators.SQRT;
import static jdk.incubator.vector.VectorOperators.XOR;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Loops by the Vector API: the operations of {@link PlainLoops} in their order, so that each bit is
 * the same, whatever the number of lanes. All vectors of a type have one length: where the compiler
 * has seen two, it makes objects of them.
 *
 * <p>Compiled apart from the rest and loaded by name, since the module may be missing.
 */
final class VectorLoops implements StepLoops {

    /** The widest that the processor has, but no wider than counts are multiples of. */
    private static final VectorSpecies<Float> FLOATS =
            FloatVector.SPECIES_PREFERRED.length() > NormalNumbers.LANES
                    ? FloatVector.SPECIES_512
                    : FloatVector.SPECIES_PREFERRED;

    private static final VectorSpecies<Integer> INTS =
            VectorSpecies.of(int.class, FLOATS.vectorShape());

    private static final VectorSpecies<Double> DOUBLES =
            VectorSpecies.of(double.class, FLOATS.vectorShape());

    /** Which of eight sums the second half of a vector's numbers begins with. */
    private static final int HIGH = DOUBLES.length() % 8;

    private static final int L = FLOATS.length();

    /** Whether there are vectors of eight ints, as many bytes, and four doubles. */
    private static final boolean IS_WIDE = L >= 8;

    private static final VectorSpecies<Byte> BYTES =
            VectorSpecies.of(byte.class, VectorShape.forBitSize(Byte.SIZE * Math.max(L, 8)));

    /** 0, 1, 2, … */
    private static final IntVector INDEX = IntVector.zero(INTS).addIndex(1);

    private static final FloatVector ONES = FloatVector.broadcast(FLOATS, 1f);

    VectorLoops() {}

    /** In two loops: of a longer one the compiler does not make vectors throughout. */
    @Override
    public void normals(
            long radiusKey, long angleKey, int first, int count, float[] numbers, int at) {
        radii(radiusKey, first, count, numbers, at);
        turn(angleKey, first, count, numbers, at);
    }

    private static void radii(long key, int first, int count, float[] radii, int at) {
        int start = (int) key + first;
        int second = (int) (key >>> Integer.SIZE);
        for (int i = 0; i < count; i += L) {
            IntVector word = INDEX.add(start + i);
            word = word.lanewise(XOR, word.lanewise(LSHR, FIRST_SHIFT));
            word = word.mul(FIRST_MULTIPLIER).add(second);
            word = word.lanewise(XOR, word.lanewise(LSHR, SECOND_SHIFT)).mul(SECOND_MULTIPLIER);
            word = word.lanewise(XOR, word.lanewise(LSHR, THIRD_SHIFT)).mul(THIRD_MULTIPLIER);
            word = word.lanewise(XOR, word.lanewise(LSHR, LAST_SHIFT));
            word = word.lanewise(LSHR, 1).lanewise(OR, 1);
            IntVector bits = word.convertShape(I2F, FLOATS, 0).reinterpretAsInts();
            FloatVector exponent =
                    (FloatVector)
                            IntVector.broadcast(INTS, TWO_TO_31)
                                    .sub(bits)
                                    .convertShape(I2F, FLOATS, 0);
            FloatVector t =
                    bits.lanewise(AND, FRACTION).lanewise(OR, ONE).reinterpretAsFloats().sub(1f);
            FloatVector curve = t.mul(L4).add(L3).mul(t).add(L2).mul(t).add(L1).mul(t).add(L0);
            FloatVector logarithm = exponent.mul(STEP).sub(t.mul(ONES.sub(t)).mul(curve));
            logarithm.lanewise(SQRT).mul(RADIUS).intoArray(radii, at + i);
        }
    }

    private static void turn(long key, int first, int count, float[] numbers, int at) {
        int start = (int) key + first;
        int second = (int) (key >>> Integer.SIZE);
        for (int i = 0; i < count; i += L) {
            IntVector word = INDEX.add(start + i);
            word = word.lanewise(XOR, word.lanewise(LSHR, FIRST_SHIFT));
            word = word.mul(FIRST_MULTIPLIER).add(second);
            word = word.lanewise(XOR, word.lanewise(LSHR, SECOND_SHIFT)).mul(SECOND_MULTIPLIER);
            word = word.lanewise(XOR, word.lanewise(LSHR, THIRD_SHIFT)).mul(THIRD_MULTIPLIER);
            word = word.lanewise(XOR, word.lanewise(LSHR, LAST_SHIFT));
            FloatVector v = ((FloatVector) word.convertShape(I2F, FLOATS, 0)).mul(UNIT);
            FloatVector square = v.mul(v);
            FloatVector sine = square.mul(S2).add(S1).mul(square).add(S0).mul(v);
            FloatVector cosine = square.mul(C3).add(C2).mul(square).add(C1).mul(square).add(C0);
            FloatVector doubleSine = sine.mul(cosine);
            FloatVector doubleCosine = ONES.sub(sine.mul(sine));
            FloatVector radius = FloatVector.fromArray(FLOATS, numbers, at + i);
            ONES.sub(doubleSine.mul(doubleSine))
                    .mul(SQRT_HALF)
                    .mul(radius)
                    .intoArray(numbers, at + i);
            doubleSine
                    .mul(doubleCosine)
                    .mul(radius)
                    .intoArray(numbers, at + NormalNumbers.PAIRS + i);
        }
    }

    @Override
    public double squares(float[] values, int size) {
        if (!IS_WIDE) {
            return PlainLoops.INSTANCE.squares(values, size);
        }
        double[] eight = new double[8]; // Where a variable would become an object.
        int i = 0;
        for (; i + L <= size; i += L) {
            FloatVector floats = FloatVector.fromArray(FLOATS, values, i);
            DoubleVector low = (DoubleVector) floats.convertShape(F2D, DOUBLES, 0);
            DoubleVector high = (DoubleVector) floats.convertShape(F2D, DOUBLES, 1);
            DoubleVector.fromArray(DOUBLES, eight, 0).add(low.mul(low)).intoArray(eight, 0);
            DoubleVector.fromArray(DOUBLES, eight, HIGH).add(high.mul(high)).intoArray(eight, HIGH);
        }
        return PlainLoops.squares(eight, values, i, size);
    }

    @Override
    public void mask(float[] values, int size, byte[] mask, int from) {
        int i = 0;
        if (IS_WIDE) {
            for (; i + L <= size; i += L) {
                IntVector alive = bytes(mask, from + i).neg();
                FloatVector.fromArray(FLOATS, values, i)
                        .reinterpretAsInts()
                        .and(alive)
                        .reinterpretAsFloats()
                        .intoArray(values, i);
            }
        }
        PlainLoops.mask(values, i, size, mask, from);
    }

    private static IntVector bytes(byte[] array, int at) {
        return (IntVector) ByteVector.fromArray(BYTES, array, at).convertShape(B2I, INTS, 0);
    }

    @Override
    public void mask(int[] counts, byte[] mask, int from, int to) {
        int i = from;
        if (IS_WIDE) {
            for (; i + L <= to; i += L) {
                IntVector alive = bytes(mask, i).neg();
                IntVector.fromArray(INTS, counts, i).and(alive).intoArray(counts, i);
            }
        }
        PlainLoops.INSTANCE.mask(counts, mask, i, to);
    }

    @Override
    public void signs(float[] weights, int size, byte[] signs, int from) {
        int i = 0;
        if (IS_WIDE) {
            for (; i + L <= size; i += L) {
                IntVector sign = sign(FloatVector.fromArray(FLOATS, weights, i));
                ((ByteVector) sign.convertShape(I2B, BYTES, 0)).intoArray(signs, from + i);
            }
        }
        PlainLoops.signs(weights, i, size, signs, from);
    }

    private static IntVector sign(FloatVector weights) {
        IntVector bits = weights.reinterpretAsInts();
        IntVector magnitude = bits.lanewise(LSHL, 1);
        IntVector isNonZero = magnitude.or(magnitude.neg()).lanewise(ASHR, 31);
        return bits.lanewise(ASHR, 31).or(1).and(isNonZero);
    }

    @Override
    public void countFlips(float[] weights, int size, byte[] signs, int[] flips, int from) {
        int i = 0;
        if (IS_WIDE) {
            for (; i + L <= size; i += L) {
                int at = from + i;
                IntVector sign = sign(FloatVector.fromArray(FLOATS, weights, i));
                IntVector change = sign.lanewise(XOR, bytes(signs, at));
                if (change.compare(NE, 0).anyTrue()) { // Most memory need not be written to.
                    IntVector flipped = change.or(change.neg()).lanewise(LSHR, 31);
                    IntVector.fromArray(INTS, flips, at).add(flipped).intoArray(flips, at);
                    ((ByteVector) sign.convertShape(I2B, BYTES, 0)).intoArray(signs, at);
                }
            }
        }
        PlainLoops.countFlips(weights, i, size, signs, flips, from);
    }
}
