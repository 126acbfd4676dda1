package io.flipout.cli;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.flipout.cli.network.KnownImages;
import io.flipout.cli.network.ModelOptions;
import io.flipout.cli.network.Networks;
import io.flipout.cli.network.SavedModel;
import io.flipout.cli.option.CommonOptions;
import io.flipout.cli.terminal.Failure;
import io.flipout.cli.terminal.Tables;
import io.flipout.cli.terminal.Terminal;
import io.flipout.djl.torchscript.ScriptMetadata;
import io.flipout.djl.torchscript.TorchScriptModels;
import io.flipout.mask.WeightSelector;
import io.flipout.report.SparsityReport;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code flipout inspect}: what is left of a network. */
@Command(
        name = "inspect",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Shows what is left of the network of a run or a model, layer by layer.")
final class InspectCommand implements Callable<Integer> {

    @Spec private CommandSpec spec;

    @Mixin private ModelOptions network;

    @Mixin private CommonOptions common;

    @Override
    public Integer call() throws Exception {
        SavedModel saved = network.find();
        common.startEngine();
        try (Model model = network.load(saved, Device.cpu())) {
            if (model.getBlock().getParameters().isEmpty()) {
                throw Failure.misuse(
                        network.path()
                                + " has no parameters to look at, as after torch.jit.freeze.");
            }
            if (saved.isScript()) {
                KnownImages.shape(saved)
                        .ifPresent(
                                image ->
                                        model.getBlock()
                                                .initialize(
                                                        model.getNDManager(),
                                                        DataType.FLOAT32,
                                                        new Shape(1).addAll(image)));
            }
            SparsityReport report = SparsityReport.ofZeros(model, WeightSelector.builder().build());
            Terminal terminal = new Terminal(spec.commandLine());
            terminal.line(Tables.layers(report));
            Networks.otherNames(model).forEach(terminal::line);
            terminal.line(
                    "%,d of %,d prunable weights left (%s %% sparse); %,d of all %,d parameters"
                            + " (%s %%).",
                    report.remaining(),
                    report.weights(),
                    Tables.percent(report.sparsity()),
                    report.totalParameters() - report.weights() + report.remaining(),
                    report.totalParameters(),
                    Tables.percent(report.totalSparsity()));
            if (TorchScriptModels.metadata(model).map(ScriptMetadata::compacted).orElse(false)) {
                terminal.line("It is compacted: weights of sparse products are not counted.");
            }
            terminal.line(Tables.multiplyAdds(report));
        }
        return 0;
    }
}
