package io.flipout.latent;

import ai.djl.ndarray.NDArray;
import io.flipout.mask.ParameterInfo;
import io.flipout.schedule.PruningEvent;
import java.util.List;

/**
 * How the weights that a network computes with come of latent ones, which train in their place, and
 * of numbers that are learned beside them, such as gates or thresholds.
 *
 * <p>Of every tensor there are two kinds of weights. Those of training may be drawn anew for every
 * step, and gradients are carried from them to the latent ones by the chain rule. Those of test
 * time are not, and are 0 where a weight is pruned; they lie in the network whenever it does not
 * compute a pass of the training.
 *
 * <p>Everything is said twice: for pieces of a tensor in the host's memory, and for the engine's
 * operations on flat arrays of several tensors.
 */
public interface Reparameterization {

    /** What is drawn for a step, independently for every number beside the weights. */
    enum Draw {
        /** Nothing: the weights of training are those of test time. */
        NOTHING,
        /** Numbers from 0 to 1. */
        UNIFORM,
        /** Numbers of the standard normal distribution. */
        NORMAL
    }

    /**
     * Returns what is drawn for a step.
     *
     * @return the distribution, by default nothing
     */
    default Draw draws() {
        return Draw.NOTHING;
    }

    /**
     * Returns which weights share a number that is learned beside them.
     *
     * @param info the parameter
     * @return the sharing, by default none
     */
    default Sharing sharing(ParameterInfo info) {
        return Sharing.NONE;
    }

    /**
     * Returns the share of a tensor's weights that is to be left at test time: where no more are,
     * the numbers beside them are set back to 0.
     *
     * @return the share; by default less than 0, for never
     */
    default double leastKept() {
        return -1;
    }

    /**
     * Returns what the numbers beside the weights are at first.
     *
     * @param info the parameter
     * @param count how many there are
     * @param seed the seed of whatever is drawn at random
     * @return the numbers
     */
    float[] first(ParameterInfo info, int count, long seed);

    /**
     * Makes of random numbers what a step takes: {@link LatentPiece#drawn} in place.
     *
     * @param piece numbers beside weights
     */
    default void draw(LatentPiece piece) {}

    /**
     * Makes of random numbers what a step takes.
     *
     * @param auxiliary the numbers beside the weights
     * @param random a random number for each
     * @return what is drawn
     */
    default NDArray draw(NDArray auxiliary, NDArray random) {
        return random;
    }

    /**
     * Computes the weights of training, {@link LatentPiece#weights}.
     *
     * @param piece a piece of a tensor
     */
    default void train(LatentPiece piece) {
        test(piece);
    }

    /**
     * Computes the weights of training.
     *
     * @param latent the latent weights
     * @param auxiliary the number beside each
     * @param drawn what is drawn for each
     * @return the weights
     */
    default NDArray train(NDArray latent, NDArray auxiliary, NDArray drawn) {
        return test(latent, auxiliary);
    }

    /**
     * Computes the weights of test time, {@link LatentPiece#weights}.
     *
     * @param piece a piece of a tensor
     */
    void test(LatentPiece piece);

    /**
     * Computes the weights of test time.
     *
     * @param latent the latent weights
     * @param auxiliary the number beside each
     * @return the weights, exactly 0 where pruned
     */
    NDArray test(NDArray latent, NDArray auxiliary);

    /**
     * Carries {@link LatentPiece#gradients}, those of the weights of training, to the latent
     * weights in place, and to the numbers beside them, {@link LatentPiece#slopes}.
     *
     * @param piece a piece of a tensor
     * @param step the number of steps taken before
     */
    void carry(LatentPiece piece, long step);

    /**
     * Carries gradients to the latent weights and the numbers beside them.
     *
     * @param latent the latent weights
     * @param auxiliary the number beside each
     * @param drawn what is drawn for each
     * @param gradients the gradients of the weights of training; becomes those of the latent ones
     * @param step the number of steps taken before
     * @return the gradient of each number by each weight
     */
    NDArray carry(NDArray latent, NDArray auxiliary, NDArray drawn, NDArray gradients, long step);

    /**
     * Completes the gradients of the numbers beside the weights, {@link LatentPiece#slopes}, once
     * they are summed over the weights that share them.
     *
     * @param piece numbers beside weights
     */
    default void complete(LatentPiece piece) {}

    /**
     * Completes the gradients of the numbers beside the weights, once they are summed over the
     * weights that share them.
     *
     * @param auxiliary the numbers
     * @param drawn what is drawn for each
     * @param slopes their gradients by the weights, to be written to at will
     * @param shares by how many weights each is shared
     * @return the gradients of the numbers
     */
    default NDArray complete(NDArray auxiliary, NDArray drawn, NDArray slopes, NDArray shares) {
        return slopes;
    }

    /**
     * Keeps the numbers beside the weights in their range after a step, {@link
     * LatentPiece#auxiliary} in place.
     *
     * @param piece numbers beside weights
     */
    default void bound(LatentPiece piece) {}

    /**
     * Keeps the numbers beside the weights in their range after a step.
     *
     * @param auxiliary the numbers
     * @return those in the range
     */
    default NDArray bound(NDArray auxiliary) {
        return auxiliary;
    }

    /**
     * Checks, before training begins, that nothing else prunes: which weights are 0 follows from
     * the latent ones.
     *
     * @param events the prunings of the whole training
     * @throws IllegalArgumentException if there are any
     */
    default void check(List<PruningEvent> events) {
        if (!events.isEmpty()) {
            throw new IllegalArgumentException(
                    "The method learns which weights go, so that no schedule can prune beside it:"
                            + " use Schedule.none().");
        }
    }
}
