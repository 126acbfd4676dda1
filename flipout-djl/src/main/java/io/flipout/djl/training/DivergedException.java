package io.flipout.djl.training;

/** Training has diverged: the loss is no longer a number. */
public final class DivergedException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final int epoch;
    private final int step;

    /**
     * Creates the exception.
     *
     * @param epoch the epoch, from 1
     * @param step the step within the epoch, from 1
     * @param loss the loss, infinite or NaN
     */
    public DivergedException(int epoch, int step, float loss) {
        super(
                "The loss became "
                        + loss
                        + " at step "
                        + step
                        + " of epoch "
                        + epoch
                        + ": lower the learning rate or the noise.");
        this.epoch = epoch;
        this.step = step;
    }

    /**
     * Returns the epoch in which it happened.
     *
     * @return the epoch, from 1
     */
    public int epoch() {
        return epoch;
    }

    /**
     * Returns the step at which it happened.
     *
     * @return the step within the epoch, from 1
     */
    public int step() {
        return step;
    }
}
