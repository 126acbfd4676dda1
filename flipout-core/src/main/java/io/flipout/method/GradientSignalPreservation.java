package io.flipout.method;

import io.flipout.criterion.Criterion;
import io.flipout.criterion.GradientFlow;
import io.flipout.signal.ConnectionGradient;
import io.flipout.signal.GradientProbe;
import io.flipout.signal.Signal;
import java.util.List;
import java.util.Optional;

/**
 * GraSP, gradient signal preservation: prunes before training those weights whose removal most
 * increases the norm of the gradient, or least reduces it. These have the highest {@code −θ·(H·g)},
 * g the gradient and H the Hessian of the loss.
 *
 * <p>Wang, Zhang and Grosse, <a href="https://arxiv.org/abs/2002.07376">Picking Winning Tickets
 * Before Training by Preserving Gradient Flow</a>, 2020. The loss is that of the training, on
 * outputs divided by T = 200, of one or more batches ({@code Pruner.pruneBeforeTraining}); the
 * schedule is {@code Schedule.beforeTraining(sparsity, 1)}. The authors take a batch with as many
 * examples of every class, here it is what the data set gives. H·g is taken from the gradients a
 * small step to either side, in double, which TorchScript modules do not allow. The authors' code
 * removes one weight fewer than asked for; here the number is exact.
 *
 * <p>A training step costs the masking and nothing more.
 */
public final class GradientSignalPreservation implements PruningMethod {

    private final GradientProbe probe;

    private GradientSignalPreservation(Builder builder) {
        probe = GradientProbe.ofHessian(builder.temperature);
    }

    /**
     * Creates a builder.
     *
     * @return a new builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /** {@inheritDoc} */
    @Override
    public String name() {
        return "grasp";
    }

    /** {@inheritDoc} */
    @Override
    public Criterion criterion() {
        return new GradientFlow();
    }

    /** {@inheritDoc} */
    @Override
    public List<Signal> signals() {
        return List.of(new ConnectionGradient());
    }

    /** {@inheritDoc} */
    @Override
    public Optional<GradientProbe> probe() {
        return Optional.of(probe);
    }

    /** Builds {@link GradientSignalPreservation}. */
    public static final class Builder {

        private double temperature = 200;

        private Builder() {}

        /**
         * Sets T, what the outputs are divided by before the loss.
         *
         * @param temperature T, greater than 0, default 200
         * @return this builder
         */
        public Builder optTemperature(double temperature) {
            this.temperature = temperature;
            return this;
        }

        /**
         * Builds the method.
         *
         * @return the method
         * @throws IllegalArgumentException if T is out of its range
         */
        public GradientSignalPreservation build() {
            return new GradientSignalPreservation(this);
        }
    }
}
