package io.flipout.graph;

/** What {@link Math} lacks. */
final class SpecialFunctions {

    static final double LN_2 = Math.log(2);

    private static final double ROOT_PI = Math.sqrt(Math.PI);

    private SpecialFunctions() {}

    /** 2/√π ∫ exp(-t²) from 0 to x: by its power series, far out by a continued fraction. */
    static double erf(double x) {
        double a = Math.abs(x);
        if (Double.isNaN(x)) {
            return x;
        }
        if (a > 6) {
            return Math.signum(x);
        }
        return Math.signum(x) * (a < 2.5 ? series(a) : 1 - complement(a));
    }

    private static double series(double x) {
        double square = x * x;
        double term = x;
        double sum = x;
        for (int n = 1; Math.abs(term) > 1e-17 * sum; n++) {
            term *= -square / n;
            sum += term / (2 * n + 1);
        }
        return 2 / ROOT_PI * sum;
    }

    private static double complement(double x) {
        double fraction = x;
        for (int n = 60; n > 0; n--) {
            fraction = x + n / 2.0 / fraction;
        }
        return Math.exp(-x * x) / (ROOT_PI * fraction);
    }

    /** The inverse of erf: Winitzki's approximation, then Newton's steps. */
    static double erfinv(double y) {
        if (!(Math.abs(y) <= 1)) {
            return Double.NaN;
        }
        if (Math.abs(y) == 1) {
            return y * Double.POSITIVE_INFINITY;
        }
        double log = Math.log1p(-y * y);
        double a = 0.147;
        double b = 2 / (Math.PI * a) + log / 2;
        double x = Math.signum(y) * Math.sqrt(Math.sqrt(b * b - log / a) - b);
        for (int i = 0; i < 4; i++) {
            x -= (erf(x) - y) * ROOT_PI / 2 * Math.exp(x * x);
        }
        return x;
    }

    /** log |Γ(x)|: Stirling's series from 8 on, below by recurrence and reflection. */
    static double lgamma(double x) {
        if (Double.isNaN(x)) {
            return x;
        }
        if (Double.isInfinite(x) || (x <= 0 && x == Math.rint(x))) {
            return Double.POSITIVE_INFINITY;
        }
        if (x < 0.5) {
            double sine = Math.sin(Math.PI * (x - 2 * Math.rint(x / 2)));
            return Math.log(Math.PI / Math.abs(sine)) - lgamma(1 - x);
        }
        double product = 1;
        double z = x;
        while (z < 8) {
            product *= z++;
        }
        double r = 1 / z;
        double r2 = r * r;
        double rest = r * (1 / 12.0 - r2 * (1 / 360.0 - r2 * (1 / 1260.0 - r2 / 1680)));
        return (z - 0.5) * Math.log(z) - z + Math.log(2 * Math.PI) / 2 + rest - Math.log(product);
    }
}
