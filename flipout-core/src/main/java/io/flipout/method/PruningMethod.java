package io.flipout.method;

import io.flipout.adjustment.Adjustment;
import io.flipout.criterion.Criterion;
import io.flipout.gradient.GradientTerm;
import io.flipout.latent.Reparameterization;
import io.flipout.rewind.Rewind;
import io.flipout.rewiring.Rewiring;
import io.flipout.signal.GradientProbe;
import io.flipout.signal.Signal;
import java.util.List;
import java.util.Optional;

/** A pruning method: which weights go, what is watched to know it, and what the gradient gets. */
public interface PruningMethod {

    /**
     * Returns the method's name, as the command line and reports use it.
     *
     * @return the name, such as {@code flipout}
     */
    String name();

    /**
     * Returns what ranks the weights.
     *
     * @return the criterion
     */
    Criterion criterion();

    /**
     * Returns what is watched while the weights train.
     *
     * @return the signals, by default none
     */
    default List<Signal> signals() {
        return List.of();
    }

    /**
     * Returns what is added to the gradients, in this order.
     *
     * @return the gradient terms, by default none
     */
    default List<GradientTerm> gradientTerms() {
        return List.of();
    }

    /**
     * Returns what changes in every step which weights are alive.
     *
     * @return the rewiring, by default none: what is pruned stays pruned
     */
    default Optional<Rewiring> rewiring() {
        return Optional.empty();
    }

    /**
     * Returns how the weights that the network computes with come of latent ones.
     *
     * @return the reparameterization, by default none: the weights themselves train
     */
    default Optional<Reparameterization> reparameterization() {
        return Optional.empty();
    }

    /**
     * Tells whether weights that are pruned may come back.
     *
     * @return true if the method rewires, ranks all weights anew, or trains latent ones
     */
    default boolean bringsBack() {
        return rewiring().isPresent()
                || reparameterization().isPresent()
                || signals().stream().anyMatch(Signal::revives);
    }

    /**
     * Returns how the weights that stay make up for those that are pruned.
     *
     * @return the adjustment, by default none: they stay what they are
     */
    default Optional<Adjustment> adjustment() {
        return Optional.empty();
    }

    /**
     * Returns where the network goes back to after a pruning.
     *
     * @return the rewinding, by default none: training goes on from where it is
     */
    default Optional<Rewind> rewind() {
        return Optional.empty();
    }

    /**
     * Returns how the network is shown data before each pruning.
     *
     * @return the probe, by default none: the method needs no gradients but those of the training
     */
    default Optional<GradientProbe> probe() {
        return Optional.empty();
    }

    /**
     * Tells whether weights go before all others, be it by a pruning or a rewiring, that are
     * disconnected: that lie on no path from the network's input to its output, as what they lead
     * from is the same for every input, or nothing leads on from where they lead to.
     *
     * <p>Which are is known of networks of DJL's blocks that take one image or vector, such as all
     * that {@code io.flipout.inference} computes; of others the criterion alone decides.
     *
     * @return true if so, by default false
     */
    default boolean prunesDisconnectedFirst() {
        return false;
    }
}
