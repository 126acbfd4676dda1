package io.flipout.cli;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.engine.Engine;
import io.flipout.cli.method.MethodOptions;
import io.flipout.cli.method.TrainingPlan;
import io.flipout.cli.network.Networks;
import io.flipout.cli.network.SavedModel;
import io.flipout.cli.option.CheckpointOptions;
import io.flipout.cli.option.CommandLines;
import io.flipout.cli.option.CommonOptions;
import io.flipout.cli.option.Configuration;
import io.flipout.cli.option.DataOptions;
import io.flipout.cli.option.Devices;
import io.flipout.cli.option.ForwardOptions;
import io.flipout.cli.option.OptimizerOptions;
import io.flipout.cli.option.OptionAdvice;
import io.flipout.cli.option.YamlDefaults;
import io.flipout.cli.run.RunCheckpoints.Found;
import io.flipout.cli.run.RunFolder;
import io.flipout.cli.run.SeenImages;
import io.flipout.cli.terminal.Failure;
import io.flipout.cli.terminal.Tables;
import io.flipout.cli.terminal.Terminal;
import io.flipout.cli.training.TrainRun;
import io.flipout.djl.Pruner;
import io.flipout.djl.data.ImageDataset;
import io.flipout.method.PruningMethod;
import io.flipout.report.SparsityReport;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
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
                    "lenet300, lenet5, conv6, resnet18, vgg13, vgg16, vgg19, densenet121, a"
                            + " TorchScript file NAME.pt of your own, or what was trained before: a"
                            + " run folder or NETWORK-0000.params (default: ${DEFAULT-VALUE}).")
    private String model;

    @Option(
            names = "--keep-zeros",
            negatable = true,
            description =
                    "Keep the weights of a --model trained before 0 where they are (default: unless"
                            + " the method brings weights back).")
    private Boolean keepZeros;

    @Option(
            names = "--width",
            paramLabel = "N",
            description =
                    "Channels of resnet18's first layer, the others in proportion (default: 64).")
    private Integer width;

    @Mixin private DataOptions data;
    @Mixin private MethodOptions pruning;
    @Mixin private OptimizerOptions optimizer;
    @Mixin private ForwardOptions forward;

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

    /**
     * Checks the options as far as that goes without an engine and data, fills in defaults, and
     * returns the short name of the network.
     */
    private String plan(boolean saved) {
        String network = Networks.shortName(model, Optional.ofNullable(width), saved);
        data.dataSet();
        optimizer.resolve(pruning.optimizer());
        forward.resolve();
        pruning.method(optimizer.learningRate());
        if (Networks.isSaved(model)) {
            // A run may be resumed and repeated from another folder.
            model = Networks.place(model);
            resolveZeros();
        }
        data.resolve();
        saving.resolve();
        pruning.schedule(optimizer.epochs());
        optimizer.resolveMilestones(pruning.isOfPaper());
        pruning.allocation();
        return network;
    }

    private void resolveZeros() {
        pruning.keepZeros(!Boolean.FALSE.equals(keepZeros));
        PruningMethod method = pruning.method(optimizer.learningRate());
        if (keepZeros == null) {
            keepZeros = !method.bringsBack();
        }
        if (keepZeros && method.bringsBack()) {
            throw Failure.misuse(pruning.name() + " brings weights back: leave out --keep-zeros.");
        }
    }

    /** Says what becomes of the zeros that a network comes with, if there are any to keep. */
    private void tellZeros(Model opened, Terminal terminal) {
        SparsityReport report = SparsityReport.ofZeros(opened, pruning.weights());
        if (report.remaining() == report.weights()) {
            keepZeros = false;
            pruning.keepZeros(false);
        } else {
            terminal.line(
                    "%s comes %s %% sparse: its zeros %s.",
                    model,
                    Tables.percent(report.sparsity()),
                    keepZeros ? "stay 0 (--no-keep-zeros lets them come back)" : "may come back");
        }
    }

    /** Returns the options that were given and mean nothing to this training, and to what. */
    Map<String, String> ignored() {
        plan(true);
        CommandLine fresh = CommandLines.configured(new CommandLine(new TrainCommand()));
        fresh.parseArgs();
        Map<String, String> ignored = new LinkedHashMap<>();
        for (OptionSpec option : Configuration.given(spec, fresh.getCommandSpec())) {
            String name = option.longestName();
            if (name.equals("--keep-zeros") && !Networks.isSaved(model)) {
                ignored.put(name, "a new network");
            } else if (!pruning.applies(name)) {
                ignored.put(name, pruning.name());
            } else if (!data.applies(name)) {
                ignored.put(name, data.dataSet().dataName());
            }
        }
        return ignored;
    }

    /** Returns what the training depends on: two of the same are the same training. */
    Map<String, Object> essence() {
        plan(true);
        Map<String, Object> values = Configuration.of(spec);
        values.keySet()
                .removeIf(name -> !pruning.applies("--" + name) || !data.applies("--" + name));
        values.remove(YamlDefaults.OPEN);
        return values;
    }

    /** Says what is given and not used. */
    static String notUsed(String option, String by) {
        return option + " does not apply to " + by + ": it is not used.";
    }

    /** Checks the options without training, and returns the epochs that it would take. */
    int check() {
        return epochs(false);
    }

    /** Reads the images, so that what is wrong with them is known before any training. */
    void checkData(Consumer<String> log) throws IOException {
        data.load(seed, log);
    }

    @Override
    public Integer call() throws Exception {
        String network = plan(false);
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
        return train(network, folder, Optional.empty());
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

    /**
     * Returns the epochs of the whole training.
     *
     * @param saved whether the network is at hand already, as in a checkpoint
     */
    int epochs(boolean saved) {
        plan(saved);
        return optimizer.epochs() * pruning.rounds();
    }

    /** Whether the training is one of several rounds. */
    boolean inRounds() {
        plan(true);
        return pruning.rounds() > 1;
    }

    /** Returns the options that make this training longer and leave as it is what it has done. */
    Map<String, String> lengthened(int more) {
        plan(true);
        Map<String, String> options = new TreeMap<>(optimizer.lengthened(more));
        options.putAll(pruning.lengthened(optimizer.epochs(), more));
        return options;
    }

    /** The classes of a run that goes on, or of the file that it begins with, if it names them. */
    private Optional<List<String>> knownClasses(Optional<Found> from) throws IOException {
        return from.isPresent()
                ? from.get().images().map(SeenImages::classes)
                : Networks.classes(model);
    }

    private int train(String network, RunFolder folder, Optional<Found> from) throws Exception {
        Engine engine = common.startEngine();
        Device[] devices = Devices.parse(device);
        engine.setRandomSeed(seed);
        Terminal terminal = new Terminal(spec.commandLine());
        ignored().forEach((option, by) -> terminal.note(notUsed(option, by)));
        DataOptions.Images loaded = data.load(seed, terminal::note);
        DataOptions.Images images = knownClasses(from).map(loaded::inClasses).orElse(loaded);
        Optional<Integer> channels = Optional.ofNullable(width);
        String source = from.flatMap(Found::module).map(Path::toString).orElse(model);
        if (SavedModel.isScript(Path.of(source))) {
            Networks.rehearse(source, network, images.train(), devices[0], terminal::note);
        }
        try (Model opened = Networks.open(source, channels, images.train(), devices[0])) {
            if (from.isEmpty() && Networks.isSaved(model)) {
                tellZeros(opened, terminal);
            }
            data.takePixels(Networks.takesPixels(opened));
            ImageDataset examples = data.forTraining(images.train(), optimizer.batchSize(), seed);
            long steps = examples.batches();
            TrainingPlan training =
                    new TrainingPlan(
                            images.train().size(),
                            steps,
                            optimizer.epochs(),
                            optimizer.learningRate(steps, pruning.rewindStep()));
            Pruner.Builder pruner =
                    Pruner.builder()
                            .setMethod(pruning.method(training))
                            .setSchedule(pruning.schedule(optimizer.epochs()))
                            .optAllocation(pruning.allocation())
                            .optWeights(pruning.weights())
                            .optKeepZeros(Boolean.TRUE.equals(keepZeros))
                            .optAdvice(new OptionAdvice())
                            .optSeed(seed);
            pruning.giveExamples(pruner, examples);
            return new TrainRun(
                            folder,
                            terminal,
                            network,
                            opened,
                            pruner.build(),
                            pruning,
                            optimizer,
                            forward,
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
