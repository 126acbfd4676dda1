package io.flipout.cli;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.engine.Engine;
import io.flipout.djl.Pruner;
import io.flipout.method.PruningMethod;
import io.flipout.schedule.Schedule;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code flipout train}: trains a network and prunes it meanwhile. */
@Command(
        name = "train",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Trains a network and prunes it meanwhile.",
            "Without options: LeNet-300-100 on Fashion-MNIST by FlipOut, about two minutes on two"
                    + " cores."
        })
final class TrainCommand implements Callable<Integer> {

    @Spec private CommandSpec spec;

    @Option(
            names = "--model",
            paramLabel = "NAME",
            defaultValue = "lenet300",
            description =
                    "lenet300, lenet5, conv6, resnet18, vgg13, vgg16, vgg19, densenet121, or a"
                            + " TorchScript file NAME.pt of your own (default: ${DEFAULT-VALUE}).")
    private String model;

    @Mixin private DataOptions data;
    @Mixin private MethodOptions pruning;
    @Mixin private OptimizerOptions optimizer;

    @Option(
            names = "--seed",
            paramLabel = "N",
            defaultValue = "1",
            description = "Seed of everything random (default: ${DEFAULT-VALUE}).")
    private int seed;

    @Option(
            names = "--device",
            paramLabel = "auto|cpu|gpu[N,...]",
            defaultValue = "auto",
            description = "Where to train, such as gpu or gpu0,1 (default: ${DEFAULT-VALUE}).")
    private String device;

    @SuppressWarnings("UnusedVariable") // YamlDefaults reads the file before the options are.
    @Option(
            names = "--config",
            paramLabel = "FILE.yaml",
            description = "Options from a file, such as a run's config.yaml.")
    private Path config;

    @Option(
            names = "--out",
            paramLabel = "DIR",
            description = "Folder of the run (default: a new one in runs/).")
    private Path out;

    @Option(names = "--overwrite", description = "Replace the run that --out holds.")
    private boolean overwrite;

    @Mixin private CommonOptions common;

    @Override
    public Integer call() throws Exception {
        String network = Networks.shortName(model);
        data.dataSet();
        PruningMethod method = pruning.method();
        optimizer.resolve();
        data.resolve();
        Schedule schedule = pruning.schedule(optimizer.epochs());
        RunFolder folder =
                new RunFolder(
                        out != null
                                ? out
                                : RunFolder.free(
                                        String.join(
                                                "-",
                                                network,
                                                data.dataSet().dataName(),
                                                pruning.name())));
        folder.check(overwrite);

        Engine engine = common.startEngine();
        Device[] devices = Devices.parse(device);
        engine.setRandomSeed(seed);
        Terminal terminal = new Terminal(spec.commandLine());
        DataOptions.Images images = data.load(seed, terminal::note);
        Pruner.Builder pruner =
                Pruner.builder()
                        .setMethod(method)
                        .setSchedule(schedule)
                        .optAllocation(pruning.allocation())
                        .optWeights(pruning.weights())
                        .optSeed(seed);
        pruning.giveExamples(
                method, pruner, data.forTraining(images.train(), optimizer.batchSize(), seed));
        try (Model opened = Networks.open(model, images.train(), devices[0])) {
            new TrainRun(folder, terminal, network, opened, pruner.build(), pruning, devices)
                    .run(data, images, optimizer, seed, Configuration.of(spec));
        }
        return 0;
    }
}
