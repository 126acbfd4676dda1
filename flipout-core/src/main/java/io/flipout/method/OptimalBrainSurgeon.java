package io.flipout.method;

import io.flipout.adjustment.Adjustment;
import io.flipout.adjustment.LeastDamage;
import io.flipout.criterion.BlockDamage;
import io.flipout.criterion.Criterion;
import io.flipout.signal.BlockFisher;
import io.flipout.signal.GradientProbe;
import io.flipout.signal.Signal;
import java.util.List;
import java.util.Optional;

/**
 * Optimal brain surgeon: prunes the weight with the lowest θ²/(2·[F⁻¹]_qq), F the Hessian, moves
 * those that stay to where they make up for it best, {@code δ = −θ_q/[F⁻¹]_qq · F⁻¹·e_q}, and goes
 * on with the next.
 *
 * <p>Hassibi and Stork, <a
 * href="https://papers.nips.cc/paper/1992/hash/303ed4c69846ab36c2904d3ba8573050-Abstract.html">
 * Second Order Derivatives for Network Pruning: Optimal Brain Surgeon</a>, 1993. In the place of
 * the Hessian stands the damped empirical Fisher information of single examples, in blocks on its
 * diagonal, as in Singh and Alistarh, <a href="https://arxiv.org/abs/2004.14340">WoodFisher:
 * Efficient Second-Order Approximation for Neural Network Compression</a>, 2020; a layer of no more
 * weights than a block has the exact inverse. Both papers' steps are taken one by one within a
 * block, where WoodFisher judges all weights of a pruning by what they are before it, and adds up
 * moves as if each went alone: see {@link BlockDamage} and {@link LeastDamage}.
 *
 * <p>Each pruning takes a forward and backward pass for every example, as given by {@code
 * Pruner.builder().optExamples(dataset, 1000)}, and of Java's memory 4·b + 40 bytes a weight alive,
 * b the size of a block: 80 MB for LeNet-300-100 and 3.3 GB for ResNet-18 with the default of 64.
 * Where there is less, the training does not begin. See {@link BlockFisher} for the cost. A
 * training step costs the masking and nothing more.
 */
public final class OptimalBrainSurgeon implements PruningMethod {

    private final BlockFisher signal;

    private OptimalBrainSurgeon(Builder builder) {
        signal = new BlockFisher(builder.block, builder.damping);
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
        return "obs";
    }

    /** {@inheritDoc} */
    @Override
    public Criterion criterion() {
        return new BlockDamage();
    }

    /** {@inheritDoc} */
    @Override
    public List<Signal> signals() {
        return List.of(signal);
    }

    /** {@inheritDoc} */
    @Override
    public Optional<Adjustment> adjustment() {
        return Optional.of(new LeastDamage());
    }

    /** {@inheritDoc} */
    @Override
    public Optional<GradientProbe> probe() {
        return Optional.of(GradientProbe.ofExamples());
    }

    /** Builds {@link OptimalBrainSurgeon}. */
    public static final class Builder {

        private int block = 64;
        private double damping = 1e-2;

        private Builder() {}

        /**
         * Sets b, the most weights that a block of the Fisher information has. Weights make up for
         * others of their block only.
         *
         * @param weights b, 1 to 65,535, default 64; 1 is the diagonal, by which no weight moves
         * @return this builder
         */
        public Builder optBlock(int weights) {
            this.block = weights;
            return this;
        }

        /**
         * Sets the damping, which is added to the diagonal of the Fisher information: the larger
         * beside the squares of gradients, the more the magnitude of weights decides, and the less
         * others move. Where a network does not train on after its pruning, 1e-6 is better: what is
         * left of the loss counts then, and not what training can make of it.
         *
         * @param damping a number greater than 0, default 1e-2
         * @return this builder
         */
        public Builder optDamping(double damping) {
            this.damping = damping;
            return this;
        }

        /**
         * Builds the method.
         *
         * @return the method
         * @throws IllegalArgumentException if the block or the damping is out of its range
         */
        public OptimalBrainSurgeon build() {
            return new OptimalBrainSurgeon(this);
        }
    }
}
