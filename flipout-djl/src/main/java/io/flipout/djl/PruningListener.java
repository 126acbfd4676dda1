package io.flipout.djl;

import ai.djl.training.Trainer;
import ai.djl.training.listener.TrainingListenerAdapter;
import io.flipout.djl.training.StepServer;

/** Tells the pruning of the network, of steps and of epochs. */
final class PruningListener extends TrainingListenerAdapter {

    /** The name of the metric: the share of the prunable weights that is pruned. */
    private static final String SPARSITY = "sparsity";

    private final PruningRun run;

    PruningListener(PruningRun run) {
        this.run = run;
    }

    boolean isOf(PruningRun other) {
        return run == other;
    }

    @Override
    public void onTrainingBegin(Trainer trainer) {
        run.begin(trainer);
        StepServer.serve(trainer);
        boolean isThere =
                trainer.getEvaluators().stream()
                        .anyMatch(e -> e instanceof SparsityEvaluator own && own.isOf(run));
        if (!isThere) {
            trainer.getEvaluators().add(new SparsityEvaluator(run));
        }
    }

    @Override
    public void onTrainingBatch(Trainer trainer, BatchData batchData) {
        run.beforeStep();
    }

    @Override
    public void onEpoch(Trainer trainer) {
        run.endEpoch();
        if (trainer.getMetrics() != null) {
            trainer.getMetrics().addMetric(SPARSITY, run.sparsity());
        }
    }

    @Override
    public void onTrainingEnd(Trainer trainer) {
        run.end(trainer);
    }
}
