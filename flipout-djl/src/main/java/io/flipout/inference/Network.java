package io.flipout.inference;

import io.flipout.djl.torchscript.ScriptMetadata;
import io.flipout.djl.torchscript.TorchScriptGraph;
import io.flipout.graph.Graph;
import io.flipout.graph.Passes;
import io.flipout.inference.kernel.Workers;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * A network in evaluation mode that is computed in plain Java with only the weights that are left:
 * what is pruned costs nothing.
 *
 * <pre>{@code
 * try (Network network = Network.load(Path.of("pruned.pt"))) {
 *     float[] scores = network.predict(image, 1);
 * }
 * }</pre>
 *
 * <p>Outputs are PyTorch's but for rounding, those of NaN and infinities too, with one difference:
 * PyTorch multiplies an infinite or undefined input by a pruned weight and gets NaN, and here it is
 * not multiplied. They are the same for any number of threads.
 *
 * <p>Any number of threads may predict at once; each uses memory of its own beside the weights,
 * which it leaves to the next. A prediction allocates nothing but its result once as many have run
 * at once before.
 */
public final class Network implements AutoCloseable {

    private final TorchScriptGraph source;
    private final Workers workers;
    private final List<Predictor> predictors = new ArrayList<>();

    private Network(TorchScriptGraph source, int threads) {
        this.source = source;
        workers = new Workers(threads);
    }

    /**
     * Reads a network, to be computed by one thread.
     *
     * @param path a TorchScript file that this project's export wrote
     * @return the network
     * @throws java.nio.file.NoSuchFileException if there is no such file
     * @throws io.flipout.djl.torchscript.TorchScriptException if the file is damaged, of other
     *     origin, or does what only PyTorch computes
     * @throws IOException if it cannot be read
     */
    public static Network load(Path path) throws IOException {
        return load(path, 1);
    }

    /**
     * Reads a network.
     *
     * @param path a TorchScript file that this project's export wrote
     * @param threads how many threads share the work of one prediction; 1 or more
     * @return the network
     * @throws java.nio.file.NoSuchFileException if there is no such file
     * @throws io.flipout.djl.torchscript.TorchScriptException if the file is damaged, of other
     *     origin, or does what only PyTorch computes
     * @throws IOException if it cannot be read
     */
    public static Network load(Path path, int threads) throws IOException {
        return of(TorchScriptGraph.open(path), threads);
    }

    /**
     * A network that was read already, or comes from a block.
     *
     * @param source what it computes
     * @param threads how many threads share the work of one prediction; 1 or more
     * @return the network
     */
    public static Network of(TorchScriptGraph source, int threads) {
        return new Network(source, threads);
    }

    /**
     * The metadata that the file holds.
     *
     * @return the metadata; empty if there are none
     */
    public Optional<ScriptMetadata> metadata() {
        return source.metadata();
    }

    /**
     * The sizes of an image: those that the network asks for, else those of the metadata.
     *
     * @return (channels, height, width), or (features) for vectors; below 0 where any size is taken
     *     and none is told; empty if nothing is known
     */
    public int[] inputShape() {
        return source.inputShape();
    }

    /**
     * The sizes of a result, for images of a size.
     *
     * @param imageShape the sizes of an image, such as (channels, height, width)
     * @return the sizes, such as (classes)
     * @throws IllegalArgumentException if the network takes no such images
     */
    public int[] outputShape(int... imageShape) {
        return predictor(imageShape).outputShape();
    }

    /**
     * Computes the outputs for images of the shape that the network tells.
     *
     * @param images the images' numbers one after the other, each in the order channel, row, column
     * @param batch how many images, 0 or more
     * @return their outputs, one after the other
     * @throws IllegalArgumentException if there are not as many numbers as the images have, or the
     *     network does not tell the shape of an image
     */
    public float[] predict(float[] images, int batch) {
        Predictor predictor = first;
        if (predictor == null) {
            int[] shape = inputShape();
            if (shape.length == 0 || Arrays.stream(shape).anyMatch(size -> size < 0)) {
                throw new IllegalArgumentException(
                        "The network takes images of any size and does not tell of one: call"
                                + " predict(images, batch, channels, height, width).");
            }
            predictor = predictor(shape);
            first = predictor;
        }
        return predictor.predict(images, batch);
    }

    /** What computes images of the shape that the network tells. */
    private volatile Predictor first;

    /**
     * Computes the outputs for images of a shape.
     *
     * @param images the images' numbers one after the other, each in the order channel, row, column
     * @param batch how many images, 0 or more
     * @param imageShape the sizes of an image, such as (channels, height, width)
     * @return their outputs, one after the other
     * @throws IllegalArgumentException if there are not as many numbers as the images have, or the
     *     network takes no such images
     */
    public float[] predict(float[] images, int batch, int... imageShape) {
        return predictor(imageShape).predict(images, batch);
    }

    private Predictor predictor(int[] imageShape) {
        synchronized (predictors) {
            for (Predictor predictor : predictors) {
                if (predictor.takes(imageShape)) {
                    return predictor;
                }
            }
        }
        Graph graph = Passes.forKernels(source.graph(imageShape));
        Predictor made = new Predictor(graph, imageShape.clone(), workers);
        synchronized (predictors) {
            predictors.add(made);
        }
        return made;
    }

    /** Ends the threads; a prediction that comes later is computed by its caller alone. */
    @Override
    public void close() {
        workers.close();
    }
}
