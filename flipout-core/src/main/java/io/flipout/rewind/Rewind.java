package io.flipout.rewind;

/**
 * After every pruning the network goes back to what it was after an early step, but for the pruned
 * weights, which stay 0: all trainable parameters, biases too, and the running statistics of
 * normalisation. The optimizer's state is cleared where it can be reached.
 *
 * <p>The network is copied once, when the step is reached, which takes 4 bytes a parameter until
 * the last pruning. On several devices the parameters of all go back; the running statistics of the
 * others than the network's own, which DJL keeps to itself, go on, and a few dozen steps renew
 * them.
 *
 * @param step k, the number of steps taken at the time it goes back to; 0 is the initialisation
 */
public record Rewind(long step) {

    /**
     * Creates the rewinding.
     *
     * @throws IllegalArgumentException if the step is negative
     */
    public Rewind {
        if (step < 0) {
            throw new IllegalArgumentException(
                    "The step to rewind to must be at least 0, the initialisation; got " + step);
        }
    }
}
