package io.flipout.tensor;

/**
 * The numbers of which {@link NormalNumbers} are made.
 *
 * <p>A word is hashed from the number of a pair by three rounds of shift and multiplication, with
 * half of its key added before the first and before the second.
 */
final class BoxMuller {

    /** The multipliers and shifts of the hash: Wellons' triple32 (2018). */
    static final int FIRST_MULTIPLIER = 0xed5ad4bb;

    static final int SECOND_MULTIPLIER = 0xac4c1b51;
    static final int THIRD_MULTIPLIER = 0x31848bab;
    static final int FIRST_SHIFT = 17;
    static final int SECOND_SHIFT = 11;
    static final int THIRD_SHIFT = 15;
    static final int LAST_SHIFT = 14;

    /** The bits of a float: those of 1, of 2³¹, and of its fraction. */
    static final int ONE = 127 << 23;

    static final int TWO_TO_31 = (127 + 31) << 23;
    static final int FRACTION = (1 << 23) - 1;

    /** What the fraction's bits are to be multiplied by. */
    static final float STEP = 0x1p-23f;

    /** log₂(1 + t) = t + t·(1 − t)·(L0 + L1·t + …) for t in [0, 1], to 2.2e-6. */
    static final float L0 = 0.44254494f;

    static final float L1 = -0.2756003f;
    static final float L2 = 0.18194887f;
    static final float L3 = -0.09595644f;
    static final float L4 = 0.025841443f;

    /** √2·sin(π/4·v) = v·(S0 + S1·v² + …) for v in [−1, 1], to 8e-7. */
    static final float S0 = 1.1107152f;

    static final float S1 = -0.11414683f;
    static final float S2 = 0.0034324464f;

    /** 2·cos(π/4·v) = C0 + C1·v² + … for v in [−1, 1], to 6e-8. */
    static final float C0 = 2f;

    static final float C1 = -0.6168485f;
    static final float C2 = 0.031699833f;
    static final float C3 = -6.377613E-4f;

    /** A signed word as a number in [−1, 1]. */
    static final float UNIT = 0x1p-31f;

    /** √(2·ln 2)·√2: √(−2 ln u) of √(−log₂ u), with a factor that the sine lacks. */
    static final float RADIUS = 1.6651093f;

    static final float SQRT_HALF = 0.70710677f;

    private BoxMuller() {}
}
