package io.flipout.graph;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/**
 * A function of one to three numbers, as PyTorch computes it. What is true or false is 1 or 0; not
 * a number gives not a number, as with PyTorch.
 */
public enum Function {
    NEG(1),
    SIGN(1),
    ABS(1),
    SQUARE(1),
    SQRT(1),
    FLOOR(1),
    CEIL(1),
    ROUND(1),
    TRUNC(1),
    EXP(1),
    LOG(1),
    LOG10(1),
    LOG2(1),
    SIN(1),
    COS(1),
    TAN(1),
    ASIN(1),
    ACOS(1),
    ATAN(1),
    SINH(1),
    COSH(1),
    TANH(1),
    ERF(1),
    ERFINV(1),
    LGAMMA(1),
    RELU(1),
    SIGMOID(1),
    SOFTPLUS(1),
    SELU(1),
    GELU(1),
    LEAKY_RELU(2),
    ELU(2),
    CLAMP(3),
    ADD(2),
    SUB(2),
    MUL(2),
    DIV(2),
    REMAINDER(2),
    POW(2),
    ATAN2(2),
    XLOGY(2),
    MAXIMUM(2),
    MINIMUM(2),
    ISNAN(1),
    ISINF(1),
    EQ(2),
    NE(2),
    GT(2),
    GE(2),
    LT(2),
    LE(2),
    LOGICAL_NOT(1),
    LOGICAL_AND(2),
    LOGICAL_OR(2),
    LOGICAL_XOR(2),
    WHERE(3);

    private static final Map<String, Function> BY_NAME = new HashMap<>();

    static {
        for (Function function : values()) {
            BY_NAME.put(function.torchName(), function);
        }
    }

    private final int operands;
    private final String torchName;

    Function(int operands) {
        this.operands = operands;
        torchName = "torch." + name().toLowerCase(Locale.ROOT);
    }

    /**
     * The function of a name.
     *
     * @param torchName its name in TorchScript
     * @return the function; null if there is none
     */
    public static Function named(String torchName) {
        return BY_NAME.get(torchName);
    }

    /**
     * The function's name in TorchScript.
     *
     * @return such as {@code torch.relu}
     */
    public String torchName() {
        return torchName;
    }

    /**
     * How many numbers it takes.
     *
     * @return 1, 2 or 3
     */
    public int operands() {
        return operands;
    }

    /**
     * Whether its result is true or false.
     *
     * @return true for comparisons and logic
     */
    public boolean isLogical() {
        return compareTo(ISNAN) >= 0 && this != WHERE;
    }

    /**
     * Computes the function.
     *
     * @param x the first number
     * @param y the second; not looked at if there is none
     * @param z the third; not looked at if there is none
     * @return the result
     */
    public float apply(float x, float y, float z) {
        return switch (this) {
            case NEG -> -x;
            case SIGN -> x > 0 ? 1 : x < 0 ? -1 : 0;
            case ABS -> Math.abs(x);
            case SQUARE -> x * x;
            case SQRT -> (float) Math.sqrt(x);
            case FLOOR -> (float) Math.floor(x);
            case CEIL -> (float) Math.ceil(x);
            case ROUND -> (float) Math.rint(x);
            case TRUNC -> (float) (x < 0 ? Math.ceil(x) : Math.floor(x));
            case EXP -> (float) Math.exp(x);
            case LOG -> (float) Math.log(x);
            case LOG10 -> (float) Math.log10(x);
            case LOG2 -> (float) (Math.log(x) / SpecialFunctions.LN_2);
            case SIN -> (float) Math.sin(x);
            case COS -> (float) Math.cos(x);
            case TAN -> (float) Math.tan(x);
            case ASIN -> (float) Math.asin(x);
            case ACOS -> (float) Math.acos(x);
            case ATAN -> (float) Math.atan(x);
            case SINH -> (float) Math.sinh(x);
            case COSH -> (float) Math.cosh(x);
            case TANH -> (float) Math.tanh(x);
            case ERF -> (float) SpecialFunctions.erf(x);
            case ERFINV -> (float) SpecialFunctions.erfinv(x);
            case LGAMMA -> (float) SpecialFunctions.lgamma(x);
            case RELU -> Math.max(x, 0f);
            case SIGMOID -> (float) (1 / (1 + Math.exp(-x)));
            case SOFTPLUS -> x > 20 ? x : (float) Math.log1p(Math.exp(x));
            case SELU -> (float) (SELU_SCALE * (x > 0 ? x : SELU_ALPHA * Math.expm1(x)));
            case GELU -> (float) (x / 2 * (1 + SpecialFunctions.erf(x * Math.sqrt(0.5))));
            case LEAKY_RELU -> x > 0 ? x : x * y;
            case ELU -> x > 0 ? x : (float) (y * Math.expm1(x));
            case CLAMP -> Math.min(Math.max(x, y), z);
            case ADD -> x + y;
            case SUB -> x - y;
            case MUL -> x * y;
            case DIV -> x / y;
            case REMAINDER -> remainder(x, y);
            case POW -> (float) Math.pow(x, y);
            case ATAN2 -> (float) Math.atan2(x, y);
            case XLOGY -> x == 0 && !Float.isNaN(y) ? 0 : (float) (x * Math.log(y));
            case MAXIMUM -> Math.max(x, y);
            case MINIMUM -> Math.min(x, y);
            case ISNAN -> number(Float.isNaN(x));
            case ISINF -> number(Float.isInfinite(x));
            case EQ -> number(x == y);
            case NE -> number(x != y);
            case GT -> number(x > y);
            case GE -> number(x >= y);
            case LT -> number(x < y);
            case LE -> number(x <= y);
            case LOGICAL_NOT -> number(x == 0);
            case LOGICAL_AND -> number(x != 0 && y != 0);
            case LOGICAL_OR -> number(x != 0 || y != 0);
            case LOGICAL_XOR -> number((x != 0) != (y != 0));
            case WHERE -> x != 0 ? y : z;
        };
    }

    private static final double SELU_ALPHA = 1.6732632423543772;
    private static final double SELU_SCALE = 1.0507009873554805;

    private static float number(boolean truth) {
        return truth ? 1 : 0;
    }

    /** Of the sign of the divisor, as in Python. */
    private static float remainder(float x, float y) {
        float rest = x % y;
        return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
    }
}
