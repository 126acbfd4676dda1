package io.flipout.inference.kernel;

/** What a convolution's last write does with a sum: bias, activation and residual. */
final class Epilogue {

    /** One number a filter. */
    final float[] bias;

    private final Activation activation;

    /** Whether the activation is none, or clamps. */
    final boolean clamps;

    /** What the activation clamps to; infinite if it does not clamp. */
    final float low;

    final float high;

    /** For each filter the place of the residual's plane from {@link #residualFirst}, or -1. */
    final int[] residual;

    final boolean residualLast;
    final int residualFirst;
    final int residualGroupStride;

    Epilogue(
            float[] bias,
            Activation activation,
            Planes out,
            Planes added,
            boolean residualLast,
            int[] channels) {
        int filters = out.channels();
        this.bias = bias == null ? new float[filters] : bias;
        this.activation = activation;
        clamps =
                activation.kind == Activation.Kind.CLAMP
                        || activation.kind == Activation.Kind.IDENTITY;
        low = activation.kind == Activation.Kind.CLAMP ? activation.low : Float.NEGATIVE_INFINITY;
        high = activation.kind == Activation.Kind.CLAMP ? activation.high : Float.POSITIVE_INFINITY;
        this.residualLast = residualLast;
        if (added == null) {
            residual = null;
            residualFirst = 0;
            residualGroupStride = 0;
            return;
        }
        residual = new int[filters];
        for (int filter = 0; filter < filters; filter++) {
            int channel = channels == null ? filter : channels[filter];
            if (channel >= added.channels()) {
                throw new IllegalArgumentException(
                        "Channel " + channel + " is not among the residual's: " + added + ".");
            }
            residual[filter] = channel < 0 ? -1 : channel * added.planeStride();
        }
        residualFirst = added.first();
        residualGroupStride = added.groupStride();
    }

    /** Where a filter's residual begins, or -1 if nothing is added to it. */
    int residual(int group, int filter) {
        return residual == null || residual[filter] < 0
                ? -1
                : residualFirst + group * residualGroupStride + residual[filter];
    }

    /** A sum's output, without residual. */
    float apply(float sum) {
        return activate(sum);
    }

    /** A sum's output, one by one. */
    float apply(float sum, float added) {
        return residualLast ? activate(sum) + added : activate(sum + added);
    }

    private float activate(float x) {
        if (clamps) {
            // Without branches: signs of sums are not foreseen.
            return Math.min(Math.max(x, low), high);
        }
        return activation.apply(x);
    }
}
