package io.flipout.djl;

import ai.djl.ndarray.NDArray;
import ai.djl.nn.Parameter;
import ai.djl.training.Trainer;
import io.flipout.mask.ParameterInfo;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The trainer that the pruner listens to, and whether it is also the one whose optimizer is
 * wrapped: DJL does not tell, so that a network would stay dense without a word.
 */
final class Attachment implements AutoCloseable {

    private static final Logger logger = LoggerFactory.getLogger(Attachment.class);

    private static final String NOT_WRAPPED =
            "The pruner listens to a training whose optimizer it does not wrap, so that nothing is"
                    + " pruned: give the configuration optOptimizer(pruner.wrap(optimizer)), or"
                    + " call pruner.attach(config, optimizer).";

    private final Trainer trainer;
    private long updates;
    private long batches;
    private Snapshot before;

    private Attachment(Trainer trainer) {
        this.trainer = trainer;
    }

    /**
     * A trainer has been made.
     *
     * @param now what the pruner was attached to last; null for nothing
     */
    static Attachment to(Trainer trainer, Attachment now, boolean isWrapped) {
        if (now != null && now.isOf(trainer)) {
            throw new IllegalStateException(
                    "The pruner's listener has been added twice to one training: add"
                            + " pruner.listener() once, or call pruner.attach(config, optimizer)"
                            + " and nothing else.");
        }
        if (!isWrapped) {
            throw new IllegalStateException(NOT_WRAPPED);
        }
        return new Attachment(trainer);
    }

    boolean isOf(Trainer other) {
        return trainer == other;
    }

    Trainer trainer() {
        return trainer;
    }

    void countUpdate() {
        if (updates++ == 0) {
            close();
        }
    }

    boolean hasUpdates() {
        return updates > 0;
    }

    /**
     * A batch has been seen. Until the optimizer has updated anything, weights that have changed
     * since the first batch were changed by another; where gradients of several batches are
     * gathered for a step, they have not.
     */
    void checkBatch(PrunedNetwork network) {
        batches++;
        if (updates > 0) {
            return;
        }
        checkChange(network);
    }

    private void checkChange(PrunedNetwork network) {
        List<ParameterInfo> parameters = network.parameters();
        Parameter last = parameters.get(parameters.size() - 1).parameter();
        if (before == null) {
            before = new Snapshot(trainer.getManager());
            before.take(last, last.getArray());
        } else if (hasChanged()) {
            throw new IllegalStateException(NOT_WRAPPED);
        }
    }

    private boolean hasChanged() {
        Parameter seen = before.parameters().iterator().next();
        try (NDArray detached = seen.getArray().stopGradient()) {
            return !detached.contentEquals(before.get(seen));
        }
    }

    /** An epoch has ended; of loops that tell of no batches it is all that is heard. */
    void checkEpoch(PrunedNetwork network) {
        if (updates > 0) {
            return;
        }
        if (batches > 1) {
            throw new IllegalStateException(NOT_WRAPPED);
        }
        if (batches == 0) {
            checkChange(network);
        }
    }

    /** The trainer closes, which an exception would keep it from. */
    void warnAtEnd() {
        if (before != null && hasChanged()) {
            logger.warn(NOT_WRAPPED);
        }
    }

    @Override
    public void close() {
        if (before != null) {
            before.close();
            before = null;
        }
    }
}
