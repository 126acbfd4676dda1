package io.flipout.djl;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.training.evaluator.Evaluator;

/**
 * Tells DJL how sparse the network is, in percent, so that its logging shows it beside loss and
 * accuracy. It is the sparsity of the moment, whatever is accumulated.
 */
final class SparsityEvaluator extends Evaluator {

    private final PruningRun run;

    SparsityEvaluator(PruningRun run) {
        super("Sparsity%");
        this.run = run;
    }

    boolean isOf(PruningRun other) {
        return run == other;
    }

    @Override
    public NDArray evaluate(NDList labels, NDList predictions) {
        return predictions.head().getManager().create(getAccumulator(getName()));
    }

    @Override
    public float getAccumulator(String key) {
        return (float) (100 * run.sparsity());
    }

    @Override
    public void addAccumulator(String key) {}

    @Override
    public void updateAccumulator(String key, NDList labels, NDList predictions) {}

    @Override
    public void resetAccumulator(String key) {}
}
