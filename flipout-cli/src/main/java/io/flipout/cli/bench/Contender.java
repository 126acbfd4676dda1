package io.flipout.cli.bench;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.jni.JniUtils;
import ai.djl.training.ParameterStore;
import io.flipout.cli.terminal.Failure;
import io.flipout.djl.torchscript.TorchScriptModels;
import io.flipout.inference.Network;
import io.flipout.tensor.Transfers;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;

/** One of those that compute the same network, on one batch of images. */
interface Contender extends AutoCloseable {

    /** The name of the engine in the results. */
    String name();

    /** Computes the batch; what it takes is measured. */
    void run();

    /** Returns the outputs of the last run. */
    float[] outputs();

    @Override
    void close();

    /** A file in LibTorch, with so many threads, which are those of the whole process. */
    static Contender pytorch(
            String name, Path file, float[] images, int batch, int[] shape, int threads)
            throws IOException {
        return new PyTorch(name, file, images, batch, shape, threads);
    }

    /** A file in FlipOut's engine. */
    static Contender flipout(Path file, float[] images, int batch, int[] shape, int threads)
            throws IOException {
        return new FlipOut(file, images, batch, shape, threads);
    }

    /** DJL's PyTorch engine; the images are in its memory, and the outputs stay there. */
    final class PyTorch implements Contender {

        private final String name;
        private final Model model;
        private final NDManager manager;
        private final NDList inputs;
        private final ParameterStore parameters;
        private NDList outputs = new NDList();

        private PyTorch(String name, Path file, float[] images, int batch, int[] shape, int threads)
                throws IOException {
            this.name = name;
            JniUtils.setNumThreads(threads);
            if (JniUtils.getNumThreads() != threads) {
                throw Failure.of("PyTorch does not take " + threads + " threads here.", null);
            }
            model = TorchScriptModels.open(file, Device.cpu());
            manager = model.getNDManager().newSubManager();
            Shape all =
                    new Shape(batch)
                            .addAll(new Shape(Arrays.stream(shape).asLongStream().toArray()));
            inputs = new NDList(manager.create(images, all));
            parameters = new ParameterStore(manager, false);
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public void run() {
            outputs.close();
            outputs = model.getBlock().forward(parameters, inputs, false);
        }

        @Override
        public float[] outputs() {
            NDArray first = outputs.head();
            return Transfers.floats(first);
        }

        @Override
        public void close() {
            outputs.close();
            manager.close();
            model.close();
        }
    }

    /** From the images in Java's memory to the outputs there. */
    final class FlipOut implements Contender {

        private final Network network;
        private final float[] images;
        private final int batch;
        private final int[] shape;
        private float[] outputs = {};

        private FlipOut(Path file, float[] images, int batch, int[] shape, int threads)
                throws IOException {
            network = Network.load(file, threads);
            this.images = images;
            this.batch = batch;
            this.shape = shape;
        }

        @Override
        public String name() {
            return "flipout";
        }

        @Override
        public void run() {
            outputs = network.predict(images, batch, shape);
        }

        @Override
        public float[] outputs() {
            return outputs;
        }

        @Override
        public void close() {
            network.close();
        }
    }
}
