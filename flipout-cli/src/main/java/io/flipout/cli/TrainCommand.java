package io.flipout.cli;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.engine.Engine;
import io.flipout.cli.method.MethodOptions;
import io.flipout.cli.network.Networks;
import io.flipout.cli.network.SavedModel;
import io.flipout.cli.option.CheckpointOptions;
import io.flipout.cli.option.CommonOptions;
import io.flipout.cli.option.Configuration;
import io.flipout.cli.option.DataOptions;
import io.flipout.cli.option.Devices;
import io.flipout.cli.option.OptimizerOptions;
import io.flipout.cli.run.RunCheckpoints.Found;
import io.flipout.cli.run.RunFolder;
import io.flipout.cli.run.SeenImages;
import io.flipout.cli.terminal.Terminal;
import io.flipout.cli.training.TrainRun;
import io.flipout.djl.Pruner;
import io.flipout.djl.data.ImageDataset;
import io.flipout.method.PruningMethod;
import io.flipout.schedule.Schedule;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code flipout train}: trains a network and prunes it meanwhile. */
@Command(
        name = "train",
        mixinStandardHelpOptions = true,
        abbreviateSynopsis = true,
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

    @Option(
            names = "--width",
            paramLabel = "N",
            description =
                    "Channels of resnet18's first layer, the others in proportion (default: 64).")
    private Integer width;

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

    @Mixin private CheckpointOptions saving;
    @Mixin private CommonOptions common;

    /** A training as the options describe it. */
    private record Plan(String network, PruningMethod method, Schedule schedule) {}

    /** Checks the options as far as that goes without an engine and data, and fills in defaults. */
    private Plan plan(boolean saved) {
        String network = Networks.shortName(model, Optional.ofNullable(width), saved);
        if (!network.equals(model) && SavedModel.isScript(Path.of(model))) {
            // A run may be resumed and repeated from another folder.
            model = Path.of(model).toAbsolutePath().normalize().toString();
        }
        data.dataSet();
        PruningMethod method = pruning.method(optimizer.learningRate());
        optimizer.resolve();
        data.resolve();
        saving.resolve();
        return new Plan(network, method, pruning.schedule(optimizer.epochs()));
    }

    /** Checks the options without training, and returns the epochs that it would take. */
    int check() {
        return epochs();
    }

    /** Reads the images, so that what is wrong with them is known before any training. */
    void checkData(Consumer<String> log) throws IOException {
        data.load(seed, log);
    }

    @Override
    public Integer call() throws Exception {
        Plan plan = plan(false);
        RunFolder folder =
                new RunFolder(
                        out != null
                                ? out
                                : RunFolder.free(
                                        String.join(
                                                "-",
                                                plan.network(),
                                                data.dataSet().dataName(),
                                                pruning.name())));
        folder.check(overwrite);
        return train(plan, folder, Optional.empty());
    }

    /**
     * Goes on with a run by the options that it was begun with.
     *
     * @param from its checkpoint; empty to begin anew, where none was saved yet
     * @param asked what is asked of checkpoints this time
     */
    int resume(RunFolder folder, Optional<Found> from, CheckpointOptions asked) throws Exception {
        asked.fillFrom(saving);
        saving = asked;
        return train(plan(from.flatMap(Found::module).isPresent()), folder, from);
    }

    /** Returns the epochs of the whole training. */
    int epochs() {
        plan(false);
        return optimizer.epochs() * pruning.rounds();
    }

    /** Whether the training is one of several rounds. */
    boolean inRounds() {
        plan(true);
        return pruning.rounds() > 1;
    }

    /** The classes of a run that goes on, or of the file that it begins with, if it names them. */
    private Optional<List<String>> knownClasses(Optional<Found> from) throws IOException {
        return from.isPresent()
                ? from.get().images().map(SeenImages::classes)
                : Networks.classes(model);
    }

    private int train(Plan plan, RunFolder folder, Optional<Found> from) throws Exception {
        Engine engine = common.startEngine();
        Device[] devices = Devices.parse(device);
        engine.setRandomSeed(seed);
        Terminal terminal = new Terminal(spec.commandLine());
        DataOptions.Images loaded = data.load(seed, terminal::note);
        DataOptions.Images images = knownClasses(from).map(loaded::inClasses).orElse(loaded);
        Optional<Integer> channels = Optional.ofNullable(width);
        String source = from.flatMap(Found::module).map(Path::toString).orElse(model);
        if (SavedModel.isScript(Path.of(source))) {
            Networks.rehearse(source, plan.network(), images.train(), devices[0], terminal::note);
        }
        try (Model opened = Networks.open(source, channels, images.train(), devices[0])) {
            data.takePixels(Networks.takesPixels(opened));
            Pruner.Builder pruner =
                    Pruner.builder()
                            .setMethod(plan.method())
                            .setSchedule(plan.schedule())
                            .optAllocation(pruning.allocation())
                            .optWeights(pruning.weights())
                            .optKeepZeros(pruning.keepZeros())
                            .optSeed(seed);
            ImageDataset examples = data.forTraining(images.train(), optimizer.batchSize(), seed);
            pruning.giveExamples(pruner, examples);
            return new TrainRun(
                            folder,
                            terminal,
                            plan.network(),
                            opened,
                            pruner.build(),
                            pruning,
                            optimizer,
                            data,
                            images,
                            examples,
                            saving,
                            devices,
                            seed,
                            Configuration.of(spec))
                    .run(from);
        }
    }
}
