package io.flipout.method;

/**
 * Settings of the methods that rewire every so many steps.
 *
 * @param <B> the builder of the method
 */
public abstract class RewiringBuilder<B extends RewiringBuilder<B>> {

    double share = .3;
    long period = 100;
    long until = Long.MAX_VALUE;

    RewiringBuilder() {}

    abstract B self();

    /**
     * Sets the share of the weights alive that goes and comes back at a rewiring.
     *
     * @param share the share, in (0, 1], default 0.3
     * @return this builder
     */
    public B optShare(double share) {
        this.share = share;
        return self();
    }

    /**
     * Sets the steps from one rewiring to the next.
     *
     * @param steps the steps, at least 1, default 100
     * @return this builder
     */
    public B optPeriod(long steps) {
        period = steps;
        return self();
    }

    /**
     * Sets the step from which nothing is rewired any more.
     *
     * @param step the step, at least 1, by default never
     * @return this builder
     */
    public B optUntil(long step) {
        until = step;
        return self();
    }
}
