package io.flipout.cli.network;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.types.Shape;
import io.flipout.cli.option.CommonOptions;
import io.flipout.djl.torchscript.TorchScriptException;
import io.flipout.djl.torchscript.TorchScriptExporter;
import io.flipout.djl.torchscript.TorchScriptFile;
import io.flipout.inference.Network;
import java.io.IOException;
import java.util.function.Consumer;

/** Loads saved networks into the engine that is asked for, or that covers them. */
public final class Scorers {

    private Scorers() {}

    /**
     * Loads a network.
     *
     * @param asked the engine; null for FlipOut's where it covers the network, else PyTorch
     * @param note is told where another engine than FlipOut's had to be taken, and why
     * @return the network; the caller closes it
     */
    public static Scorer open(
            ModelOptions network,
            SavedModel saved,
            Scorer.Engine asked,
            CommonOptions common,
            Consumer<String> note)
            throws IOException {
        if (asked == Scorer.Engine.PYTORCH) {
            return pytorch(network, saved, common);
        }
        if (saved.isScript()) {
            try {
                return new FlipOutScorer(Network.load(saved.file(), common.threads()));
            } catch (TorchScriptException e) {
                if (asked != null) {
                    throw e;
                }
                TorchScriptFile.open(saved.file()); // A damaged file is of no use to PyTorch, too.
                note.accept(e.getMessage());
                return pytorch(network, saved, common);
            }
        }
        common.startEngine();
        Model model = network.load(saved, Device.cpu());
        try {
            Scorer scorer = new FlipOutScorer(read(model, common.threads()));
            model.close();
            return scorer;
        } catch (TorchScriptException e) {
            if (asked != null) {
                model.close();
                throw e;
            }
            note.accept(e.getMessage());
            return new PyTorchScorer(model);
        } catch (RuntimeException e) {
            model.close();
            throw e;
        }
    }

    private static Scorer pytorch(ModelOptions network, SavedModel saved, CommonOptions common)
            throws IOException {
        common.startEngine();
        return new PyTorchScorer(network.load(saved, Device.cpu()));
    }

    private static Network read(Model model, int threads) {
        Shape image = model.getBlock().getInputShapes()[0].slice(1);
        return Network.of(
                TorchScriptExporter.builder()
                        .build()
                        .graph(model.getBlock(), new Shape(1).addAll(image)),
                threads);
    }
}
