package io.flipout.signal;

/**
 * The Cholesky factor L of a symmetric positive definite matrix {@code A = L·Lᵀ}.
 *
 * <p>Of both, the lower triangle is kept, row after row: the element (i, j), j ≤ i, at {@code i·(i
 * + 1)/2 + j}.
 */
final class Cholesky {

    /** The share of its diagonal that must be left of a row, for as many digits to be right. */
    private static final double SINGULAR = 1e-12;

    private final double[] factor;
    private final int size;

    /**
     * Factors a matrix.
     *
     * @param matrix the lower triangle, which becomes that of the factor
     * @param size the number of rows
     * @throws ArithmeticException if the matrix is not positive definite, or too near one that is
     *     singular for doubles to tell
     */
    Cholesky(double[] matrix, int size) {
        factor = matrix;
        this.size = size;
        for (int i = 0; i < size; i++) {
            int row = row(i);
            for (int j = 0; j < i; j++) {
                int other = row(j);
                factor[row + j] = (factor[row + j] - dot(row, other, j)) / factor[other + j];
            }
            double left = factor[row + i] - dot(row, row, i);
            if (!(left > SINGULAR * factor[row + i])) {
                throw new ArithmeticException("The matrix is not positive definite.");
            }
            factor[row + i] = Math.sqrt(left);
        }
    }

    /** Returns the number of elements in the lower triangle of a matrix of so many rows. */
    static int elements(int size) {
        return row(size);
    }

    /** Returns where a row begins. */
    static int row(int i) {
        return (int) (i * (i + 1L) / 2);
    }

    private double dot(int row, int other, int length) {
        double sum = 0;
        for (int k = 0; k < length; k++) {
            sum += factor[row + k] * factor[other + k];
        }
        return sum;
    }

    /** Returns A⁻¹ = L⁻ᵀ·L⁻¹, all of it. */
    double[][] inverse() {
        double[][] ofFactor = new double[size][];
        double[][] inverse = new double[size][size];
        for (int i = 0; i < size; i++) {
            double[] row = new double[i + 1];
            row[i] = 1;
            for (int k = 0; k < i; k++) {
                subtract(factor[row(i) + k], ofFactor[k], row);
            }
            for (int j = 0; j <= i; j++) {
                row[j] /= factor[row(i) + i];
            }
            ofFactor[i] = row;
            for (int k = 0; k <= i; k++) {
                subtract(-row[k], row, inverse[k]);
            }
        }
        return inverse;
    }

    /** Subtracts a multiple of a row from another that is as long or longer. */
    static void subtract(double times, double[] row, double[] from) {
        for (int j = 0; j < row.length; j++) {
            from[j] -= times * row[j];
        }
    }

    /** Solves A·x = b; b becomes x. */
    void solve(double[] right) {
        for (int i = 0; i < size; i++) {
            int row = row(i);
            for (int k = 0; k < i; k++) {
                right[i] -= factor[row + k] * right[k];
            }
            right[i] /= factor[row + i];
        }
        for (int i = size - 1; i >= 0; i--) {
            int row = row(i);
            right[i] /= factor[row + i];
            for (int k = 0; k < i; k++) {
                right[k] -= factor[row + k] * right[i];
            }
        }
    }
}
