package io.flipout.djl.torchscript;

import io.flipout.djl.torchscript.ScriptCode.Check;
import io.flipout.djl.torchscript.ScriptCode.Forward;
import io.flipout.djl.torchscript.ScriptGraph.Uncovered;
import io.flipout.graph.Dims;
import io.flipout.graph.Graph;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * A network that can be computed without PyTorch: a TorchScript file that this project's export
 * wrote, read back as a {@link Graph} for images of any size that the network takes. It is the
 * network in evaluation mode.
 *
 * <p>PyTorch is not used. Weights that are stored sparse stay so.
 */
public final class TorchScriptGraph {

    /** Sides of images that are tried where the network takes any. */
    private static final int[] USUAL = {224, 32, 64, 320};

    private final String subject;
    private final Forward forward;
    private final ScriptGraph.Tensors tensors;
    private final Metadata metadata;
    private final int[] inputAxes;

    /** Metadata that are read when they are asked for. */
    private interface Metadata {
        Optional<ScriptMetadata> read() throws IOException;
    }

    private TorchScriptGraph(
            String subject, Forward forward, ScriptGraph.Tensors tensors, Metadata metadata) {
        this.subject = subject;
        this.forward = forward;
        this.tensors = tensors;
        this.metadata = metadata;
        inputAxes = inputAxes(forward.checks());
        checkCovered();
    }

    /**
     * Reads a file.
     *
     * @param path a file that {@link TorchScriptExporter} wrote, in any {@link Compression}
     * @return the network
     * @throws java.nio.file.NoSuchFileException if there is no such file
     * @throws TorchScriptException if the file is damaged, of other origin, or does what only
     *     PyTorch computes
     * @throws IOException if it cannot be read
     */
    public static TorchScriptGraph open(Path path) throws IOException {
        return of(path, TorchScriptFile.open(path));
    }

    static TorchScriptGraph of(Path path, TorchScriptFile file) throws IOException {
        ScriptReader reader = file.read(records -> new ScriptReader(path, records));
        return new TorchScriptGraph(
                path.toString(), reader.forward(), reader.tensors(), file::metadata);
    }

    /** Reads code that was never in a file. */
    static TorchScriptGraph of(
            String subject, String code, String type, ScriptGraph.Tensors tensors) {
        try {
            return new TorchScriptGraph(
                    subject, ScriptCode.forward(code, type), tensors, Optional::empty);
        } catch (ScriptCode.Foreign e) {
            throw new IllegalStateException(e); // The code is this project's.
        }
    }

    private static int[] inputAxes(List<Check> checks) {
        if (checks.isEmpty()) {
            return new int[0];
        }
        int[] axes = new int[checks.get(0).rank() - 1];
        Arrays.fill(axes, -1);
        for (Check check : checks) {
            if (check.axis() >= 1
                    && check.axis() <= axes.length
                    && check.size() > 0
                    && check.size() <= Integer.MAX_VALUE) {
                axes[check.axis() - 1] = (int) check.size();
            }
        }
        return axes;
    }

    /**
     * The sizes of the axes of an image that the network takes.
     *
     * @return (channels, height, width) of images, (features) of vectors; below 0 where any size is
     *     taken; empty if the network takes whatever it is given
     */
    public int[] inputAxes() {
        return inputAxes.clone();
    }

    /**
     * The metadata that the file holds.
     *
     * @return the metadata; empty if there are none, or the network comes from no file
     * @throws TorchScriptException if they are damaged
     * @throws UncheckedIOException if the file cannot be read any more
     */
    public Optional<ScriptMetadata> metadata() {
        try {
            return metadata.read();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * The sizes of an image: those that the network asks for, else those of the metadata.
     *
     * @return as {@link #inputAxes}, with fewer open sizes
     */
    public int[] inputShape() {
        int[] shape = inputAxes.clone();
        if (shape.length > 0 && Arrays.stream(shape).allMatch(size -> size >= 0)) {
            return shape;
        }
        List<Long> told = metadata().map(ScriptMetadata::inputShape).orElse(null);
        if (told == null || (shape.length > 0 && told.size() != shape.length)) {
            return shape;
        }
        int[] known = new int[told.size()];
        for (int i = 0; i < known.length; i++) {
            Long size = told.get(i);
            boolean isFree = shape.length == 0 || shape[i] < 0;
            known[i] = !isFree ? shape[i] : size == null || size < 1 ? -1 : size.intValue();
        }
        return known;
    }

    /** Finds out early what is not covered. */
    private void checkCovered() {
        try {
            ScriptGraph.checkCovered(forward, inputAxes.length + 1);
        } catch (Uncovered e) {
            throw uncovered(e);
        }
        if (inputAxes.length == 0) {
            return;
        }
        for (int side : USUAL) {
            int[] axes = inputAxes.clone();
            for (int i = 0; i < axes.length; i++) {
                axes[i] = axes[i] < 0 ? side : axes[i];
            }
            try {
                ScriptGraph.of(forward, tensors, Dims.of(axes));
                return;
            } catch (Uncovered e) {
                throw uncovered(e);
            } catch (IllegalArgumentException | ArithmeticException e) {
                if (Arrays.equals(axes, inputAxes)) {
                    throw new TorchScriptException(
                            subject + " does not fit together: it has " + e.getMessage() + ".", e);
                }
            }
        }
    }

    private TorchScriptException uncovered(Uncovered e) {
        return new TorchScriptException(
                subject
                        + " "
                        + e.getMessage()
                        + ", which this engine does not compute: the PyTorch engine does.",
                e);
    }

    /**
     * Makes the graph for images of one size.
     *
     * @param axes the sizes of the axes after the batch, such as (channels, height, width)
     * @return the graph
     * @throws IllegalArgumentException if the network takes no such images
     * @throws TorchScriptException if it does what only PyTorch computes
     */
    public Graph graph(int... axes) {
        try {
            return ScriptGraph.of(forward, tensors, Dims.of(axes));
        } catch (Uncovered e) {
            throw uncovered(e);
        } catch (IllegalArgumentException | ArithmeticException e) {
            List<String> taken = new ArrayList<>();
            for (int axis : inputAxes) {
                taken.add(axis < 0 ? "any" : Integer.toString(axis));
            }
            throw new IllegalArgumentException(
                    String.format(
                            Locale.ROOT,
                            "%s takes input of shape (%s), not %s: it has %s.",
                            subject,
                            taken.isEmpty() ? "batch, any" : "batch, " + String.join(", ", taken),
                            Arrays.toString(axes),
                            e.getMessage()),
                    e);
        }
    }
}
