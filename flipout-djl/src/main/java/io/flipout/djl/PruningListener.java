package io.flipout.djl;

import ai.djl.training.Trainer;
import ai.djl.training.listener.TrainingListenerAdapter;

/** Tells the pruning of the network, of steps and of epochs. */
final class PruningListener extends TrainingListenerAdapter {

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
    }

    @Override
    public void onTrainingBatch(Trainer trainer, BatchData batchData) {
        run.beforeStep();
    }

    @Override
    public void onEpoch(Trainer trainer) {
        run.endEpoch();
    }

    @Override
    public void onTrainingEnd(Trainer trainer) {
        run.end(trainer);
    }
}
