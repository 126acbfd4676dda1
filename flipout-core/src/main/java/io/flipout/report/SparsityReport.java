package io.flipout.report;

import ai.djl.Model;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import io.flipout.mask.Connections;
import io.flipout.mask.Mask;
import io.flipout.mask.ParameterInfo;
import io.flipout.mask.WeightSelector;
import io.flipout.tensor.Transfers;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToLongFunction;
import java.util.stream.IntStream;

/**
 * What is left of a pruned network, layer by layer and in total.
 *
 * <p>Sparsity is told over the prunable weights, as the literature does. The parameters that stay
 * dense (biases, normalisation) are in {@link #totalParameters()} and weigh in at high sparsities.
 */
public final class SparsityReport {

    private final List<LayerReport> layers;
    private final long totalParameters;

    /** Of the weights that are not prunable; -1 if one is in a layer that does not tell. */
    private final long otherMultiplyAdds;

    private SparsityReport(List<LayerReport> layers, long totalParameters, long otherMultiplyAdds) {
        this.layers = List.copyOf(layers);
        this.totalParameters = totalParameters;
        this.otherMultiplyAdds = otherMultiplyAdds;
    }

    /**
     * Reports on a network by its masks.
     *
     * @param block the network, initialised
     * @param parameters its trainable parameters, in block order
     * @param masks the masks of the prunable ones, by path
     * @return the report
     */
    public static SparsityReport of(
            Block block, List<ParameterInfo> parameters, Map<String, Mask> masks) {
        Uses uses = new Uses(block, parameters);
        List<LayerReport> layers = new ArrayList<>();
        long total = 0;
        long others = 0;
        for (ParameterInfo info : parameters) {
            total += info.size();
            if (info.prunable()) {
                layers.add(layer(info, masks.get(info.path()), uses.of(info)));
            } else {
                others =
                        others < 0 || uses.of(info) < 0 ? -1 : others + info.size() * uses.of(info);
            }
        }
        return new SparsityReport(layers, total, others);
    }

    /**
     * Reports on a network whose masks are not at hand, such as a loaded one: weights that are
     * exactly 0 count as pruned.
     *
     * @param model the network, initialised
     * @param selector which weights are prunable
     * @return the report
     */
    public static SparsityReport ofZeros(Model model, WeightSelector selector) {
        List<ParameterInfo> parameters = selector.select(model.getBlock());
        Map<String, Mask> masks = new HashMap<>();
        for (ParameterInfo info : parameters) {
            if (info.prunable()) {
                float[] weights = Transfers.floats(info.parameter().getArray());
                Mask mask = new Mask(weights.length);
                for (int i = 0; i < weights.length; i++) {
                    if (weights[i] == 0) {
                        mask.prune(i);
                    }
                }
                masks.put(info.path(), mask);
            }
        }
        return of(model.getBlock(), parameters, masks);
    }

    private static LayerReport layer(ParameterInfo info, Mask mask, long uses) {
        Shape shape = info.shape();
        Connections connections = info.connections();
        boolean[] liveOutput = new boolean[connections.outputs()];
        boolean[] liveInput = new boolean[connections.inputs()];
        for (int i = 0; i < mask.size(); i++) {
            if (mask.isAlive(i)) {
                liveOutput[connections.output(i)] = true;
                liveInput[connections.input(i)] = true;
            }
        }
        return new LayerReport(
                info.path(),
                shape,
                mask.size(),
                mask.remaining(),
                dead(liveInput),
                dead(liveOutput),
                uses < 0 ? -1 : mask.size() * uses,
                uses < 0 ? -1 : mask.remaining() * uses);
    }

    private static long dead(boolean[] live) {
        return IntStream.range(0, live.length).filter(i -> !live[i]).count();
    }

    /**
     * Returns the prunable layers.
     *
     * @return the layers in block order
     */
    public List<LayerReport> layers() {
        return layers;
    }

    /**
     * Returns the number of all trainable parameters, prunable or not.
     *
     * @return the number of parameters
     */
    public long totalParameters() {
        return totalParameters;
    }

    /**
     * Returns the number of prunable weights, alive or not.
     *
     * @return the number of weights
     */
    public long weights() {
        return layers.stream().mapToLong(LayerReport::weights).sum();
    }

    /**
     * Returns the number of prunable weights alive.
     *
     * @return the number of weights
     */
    public long remaining() {
        return layers.stream().mapToLong(LayerReport::remaining).sum();
    }

    /**
     * Returns the share of the prunable weights that is pruned.
     *
     * @return the sparsity, 0 to 1
     */
    public double sparsity() {
        return 1 - (double) remaining() / weights();
    }

    /**
     * Returns the share of all parameters that is pruned.
     *
     * @return the sparsity of the whole network, 0 to 1
     */
    public double totalSparsity() {
        return (double) (weights() - remaining()) / totalParameters;
    }

    /**
     * Returns the multiply–adds of one sample through the dense network: all of its layers, whether
     * their weights are prunable or not.
     *
     * @return the multiply–adds; -1 if a layer does not tell its shapes
     */
    public long multiplyAdds() {
        return multiplyAdds(LayerReport::multiplyAdds);
    }

    /**
     * Returns the multiply–adds of the weights alive, and of those that are not prunable.
     *
     * @return the multiply–adds; -1 if a layer does not tell its shapes
     */
    public long remainingMultiplyAdds() {
        return multiplyAdds(LayerReport::remainingMultiplyAdds);
    }

    private long multiplyAdds(ToLongFunction<LayerReport> ofLayer) {
        boolean isKnown =
                otherMultiplyAdds >= 0 && layers.stream().allMatch(l -> l.multiplyAdds() >= 0);
        return isKnown ? otherMultiplyAdds + layers.stream().mapToLong(ofLayer).sum() : -1;
    }

    /**
     * Returns the report as a table.
     *
     * @return a line for each layer and one for the total
     */
    @Override
    public String toString() {
        int width = layers.stream().mapToInt(l -> l.name().length()).max().orElse(5);
        String row = "%-" + Math.max(5, width) + "s %12s %12s %10s%n";
        StringBuilder table = new StringBuilder();
        table.append(String.format(Locale.ROOT, row, "layer", "weights", "kept", "sparsity"));
        for (LayerReport layer : layers) {
            table.append(row(row, layer.name(), layer.weights(), layer.remaining()));
        }
        return table.append(row(row, "total", weights(), remaining())).toString();
    }

    private static String row(String format, String name, long weights, long remaining) {
        return String.format(
                Locale.ROOT,
                format,
                name,
                String.format(Locale.ROOT, "%,d", weights),
                String.format(Locale.ROOT, "%,d", remaining),
                String.format(Locale.ROOT, "%.3f %%", 100 - 100.0 * remaining / weights));
    }
}
