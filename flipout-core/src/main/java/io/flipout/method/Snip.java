package io.flipout.method;

import ai.djl.training.loss.Loss;
import ai.djl.training.loss.SoftmaxCrossEntropyLoss;
import io.flipout.criterion.Criterion;
import io.flipout.criterion.Sensitivity;
import io.flipout.signal.ConnectionGradient;
import io.flipout.signal.GradientProbe;
import io.flipout.signal.GradientProbe.Portion;
import io.flipout.signal.Signal;
import io.flipout.signal.XavierNormal;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * SNIP: prunes before training, by |θ·g| of the initial weights, and trains what is left.
 *
 * <p>Lee, Ajanthan and Torr, <a href="https://arxiv.org/abs/1810.02340">SNIP: Single-shot Network
 * Pruning based on Connection Sensitivity</a>, 2019. The gradient is that of one or more batches
 * which the network is shown first ({@code Pruner.pruneBeforeTraining}), so the schedule is {@code
 * Schedule.beforeTraining(sparsity, 1)}. With more prunings than one it is the iterative form (de
 * Jorge et al., <a href="https://arxiv.org/abs/2006.09081">Progressive Skeletonization</a>, 2021),
 * which takes new gradients after each and survives sparsities at which the single shot cuts whole
 * layers off.
 *
 * <p>A training step costs the masking and nothing more.
 */
public final class Snip implements PruningMethod {

    /** Which weights and loss the gradients are of. */
    public enum Variant {
        /** The network's own weights and the loss of the training. */
        ORIGINAL(GradientProbe.ofBatches()),

        /**
         * As in the code that FlipOut's authors released and compared with: weights drawn anew for
         * the purpose ({@link XavierNormal}), so that the scores belong to other weights than those
         * trained, and {@code −mean(logit of the true class)}, the negative log-likelihood of
         * outputs that no softmax has normalised: on logits (0, 0) of class 0 its gradient is (−1,
         * 0), where the cross-entropy's is (−½, ½). That code keeps all scores that equal the
         * lowest it should keep, and may keep too many; here the number is exact.
         */
        RELEASED(
                new GradientProbe(
                        Portion.BATCH,
                        Optional.of(logitOfTrueClass()),
                        Optional.of(new XavierNormal())));

        private final transient GradientProbe probe;

        Variant(GradientProbe probe) {
            this.probe = probe;
        }

        /** The cross-entropy of what it takes for log-probabilities. */
        private static Loss logitOfTrueClass() {
            return new SoftmaxCrossEntropyLoss("LogitOfTrueClass", 1, -1, true, false);
        }
    }

    private final Variant variant;

    /** Creates the method as published. */
    public Snip() {
        this(builder());
    }

    private Snip(Builder builder) {
        variant = builder.variant;
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
        return "snip";
    }

    /** {@inheritDoc} */
    @Override
    public Criterion criterion() {
        return new Sensitivity();
    }

    /** {@inheritDoc} */
    @Override
    public List<Signal> signals() {
        return List.of(new ConnectionGradient());
    }

    /** {@inheritDoc} */
    @Override
    public Optional<GradientProbe> probe() {
        return Optional.of(variant.probe);
    }

    /** Builds {@link Snip}. */
    public static final class Builder {

        private Variant variant = Variant.ORIGINAL;

        private Builder() {}

        /**
         * Sets which weights and loss the gradients are of.
         *
         * @param variant the variant, default {@link Variant#ORIGINAL}
         * @return this builder
         */
        public Builder optVariant(Variant variant) {
            this.variant = variant;
            return this;
        }

        /**
         * Builds the method.
         *
         * @return the method
         * @throws NullPointerException if the variant is null
         */
        public Snip build() {
            Objects.requireNonNull(variant, "The variant of SNIP must not be null");
            return new Snip(this);
        }
    }
}
