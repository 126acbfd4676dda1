package io.flipout.cli.network;

import ai.djl.Model;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.ParameterStore;
import io.flipout.tensor.Transfers;

/** Computes as DJL does, with all weights. */
record PyTorchScorer(Model model) implements Scorer {

    @Override
    public Engine engine() {
        return Engine.PYTORCH;
    }

    @Override
    public float[] scores(float[] images, int batch, int... shape) {
        Shape all = new Shape(batch);
        for (int size : shape) {
            all = all.add(size);
        }
        try (NDManager manager = model.getNDManager().newSubManager()) {
            NDArray input = manager.create(images, all);
            ParameterStore parameters = new ParameterStore(manager, false);
            NDList outputs = model.getBlock().forward(parameters, new NDList(input), false);
            outputs.attach(manager);
            return Transfers.floats(outputs.head());
        } catch (EngineException e) {
            throw new IllegalArgumentException(
                    "The network does not take images of shape " + all + ".", e);
        }
    }

    @Override
    public void close() {
        model.close();
    }
}
