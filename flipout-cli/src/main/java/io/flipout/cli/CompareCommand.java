package io.flipout.cli;

import io.flipout.cli.comparison.Arm;
import io.flipout.cli.comparison.Comparison;
import io.flipout.cli.comparison.Comparison.Measure;
import io.flipout.cli.comparison.ComparisonRun;
import io.flipout.cli.comparison.LocalPlaces;
import io.flipout.cli.comparison.Places;
import io.flipout.cli.comparison.PlannedRun;
import io.flipout.cli.comparison.Preset;
import io.flipout.cli.comparison.Sparsities;
import io.flipout.cli.method.MethodOptions;
import io.flipout.cli.network.Networks;
import io.flipout.cli.option.CommandLines;
import io.flipout.cli.option.Configuration;
import io.flipout.cli.report.Report;
import io.flipout.cli.run.FolderLock;
import io.flipout.cli.spark.SparkPlaces;
import io.flipout.cli.terminal.Errors;
import io.flipout.cli.terminal.Failure;
import io.flipout.cli.terminal.Terminal;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Unmatched;

/** {@code flipout compare}: trains many networks and shows what came of them side by side. */
@Command(
        name = "compare",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Compares methods at several sparsities: trains a network for each, in processes of"
                    + " their own, and reports what came of them.",
            "A comparison that was stopped goes on where it was by the same command, or by 'flipout"
                    + " compare --out DIR' alone. With --out and nothing but --methods,"
                    + " --sparsities or --seeds, these are added to it.",
            "All options of 'flipout train' apply to every run, such as --model, --dataset, --data,"
                    + " --epochs, --limit, --threads; see 'flipout train --help'."
        })
final class CompareCommand implements Callable<Integer> {

    /** Options of a training that the comparison sets itself. */
    private static final Set<String> OURS =
            Set.of("method", "sparsity", "seed", "out", "overwrite", "config");

    /** Options of a training that the comparison's file names whether they are given or not. */
    private static final List<String> SAID = List.of("model", "dataset", "epochs");

    @Spec private CommandSpec spec;

    @Option(
            names = "--preset",
            paramLabel = "NAME",
            description =
                    "The paper's own settings: table2, table3, figure4a, figure4b, figure4c,"
                            + " figure5a, figure5b or figure5c. Other options change parts of it.")
    private String preset;

    @Option(
            names = "--methods",
            paramLabel = "METHOD[:OPTION=VALUE]",
            split = ",",
            description =
                    "What is compared, such as 'flipout,flipout:noise=0,flipout:p=1/4' (default:"
                            + " flipout-adaptive,flipout,global-magnitude). The dense network is"
                            + " trained too"
                            + " unless --no-dense is given.")
    private List<String> methods = List.of();

    @Option(
            names = "--sparsities",
            paramLabel = "S",
            split = ",",
            description =
                    "Where it is compared (default: the paper's 0.75, 0.9375, 0.984375,"
                            + " 0.99609375, 0.9990234375).")
    private List<Double> sparsities = List.of();

    @Option(
            names = "--seeds",
            paramLabel = "N",
            split = ",",
            description = "Seeds, each a run of everything (default: 1, and 42,43,44 of presets).")
    private List<Integer> seeds = List.of();

    @Option(names = "--no-dense", description = "Do not train the dense network beside the others.")
    private boolean noDense;

    @Option(
            names = "--measure",
            paramLabel = "test|validation",
            description = "Images whose accuracy counts (default: test; validation of tables).")
    private Measure measure;

    @Option(
            names = "--jobs",
            paramLabel = "N",
            description =
                    "Runs at a time, which share the cores (default: 1, or one for each of"
                            + " --gpus).")
    private Integer jobs;

    @Option(
            names = "--gpus",
            paramLabel = "N",
            split = ",",
            description = "GPUs to train on, one run at a time on each.")
    private List<Integer> gpus = List.of();

    @Option(
            names = "--spark",
            paramLabel = "MASTER",
            description =
                    "Let the runs take place on the machines of a Spark cluster: spark://HOST:7077,"
                            + " yarn, k8s://HOST:PORT, local-cluster[WORKERS,CORES,MB].")
    private String spark;

    @Option(
            names = "--spark-conf",
            paramLabel = "KEY=VALUE",
            description =
                    "A setting of Spark's, such as spark.task.cpus=2, the cores and threads of a"
                            + " run, or spark.task.resource.gpu.amount=1, its GPUs.")
    private List<String> sparkConf = List.of();

    @Option(
            names = "--ship",
            paramLabel = "flipout,data,runs",
            split = ",",
            description =
                    "What those machines do not share with this one, and is sent there or back:"
                            + " FlipOut, the images and networks that are read, the run folders.")
    private List<SparkPlaces.Shipped> ship = List.of();

    @Option(
            names = "--out",
            required = true,
            paramLabel = "DIR",
            description = "Folder of the comparison.")
    private Path out;

    @Unmatched private List<String> trainOptions = new ArrayList<>();

    @Override
    @SuppressWarnings("try") // The lock is held, not used.
    public Integer call() throws Exception {
        checkJobs();
        checkSpark();
        Comparison asked = asked();
        Map<PlannedRun, TrainCommand> trainings = new LinkedHashMap<>();
        asked.runs().forEach(run -> trainings.put(run, check(asked.arguments(run))));
        Map<PlannedRun, Integer> epochs = new LinkedHashMap<>();
        trainings.forEach((run, train) -> epochs.put(run, train.check()));
        Terminal terminal = new Terminal(spec.commandLine());
        notUsed(trainings).forEach(terminal::note);
        checkData(asked, terminal::note);
        Files.createDirectories(out.resolve(Comparison.RUNS));
        String taken =
                "Another 'flipout compare' is at work in " + out + ": wait for it or stop it.";
        try (FolderLock lock = FolderLock.of(out, taken)) {
            asked.write(out);
            int status;
            try (Places places = places(asked, terminal)) {
                status = new ComparisonRun(asked, out, terminal, places, epochs).run();
            }
            if (status <= Failure.FAILED) {
                report(terminal);
            }
            return status;
        }
    }

    /** Returns what takes the arguments of a run: the command that this one is part of. */
    private Class<?> main() {
        return spec.root().userObject().getClass();
    }

    /** Draws the report; that it cannot be drawn takes nothing from what was measured. */
    private void report(Terminal terminal) throws IOException {
        try {
            Path page = new Report(out).write().get(0);
            terminal.line("Look at it:  %s", page);
        } catch (IllegalStateException e) {
            terminal.note("There is no report. " + e.getMessage());
        }
    }

    /** Returns the comparison that the options describe, or that the folder holds already. */
    private Comparison asked() throws IOException {
        boolean exists = Files.exists(out.resolve(Comparison.FILE));
        boolean adds = preset == null && measure == null && !noDense && trainOptions.isEmpty();
        if (exists && adds) {
            Comparison held = Comparison.read(out);
            Comparison more = held.with(arms(methods.stream()), sparsities, seeds);
            checkSparsities(more.sparsities());
            return withoutTwins(more, held.arms());
        }
        Comparison asked = described();
        if (exists) {
            // What is wrong with an option is no other comparison.
            asked.runs().forEach(run -> check(asked.arguments(run)).check());
            Comparison held = Comparison.read(out);
            Comparison distinct = withoutTwins(asked, held.arms());
            refuseAnother(distinct, held);
            return distinct;
        }
        refuseOtherFiles();
        return withoutTwins(asked, List.of());
    }

    /** Leaves out arms that train as another one does, unless they were trained before. */
    private Comparison withoutTwins(Comparison asked, List<Arm> held) {
        Map<Object, Arm> byTraining = new LinkedHashMap<>();
        List<Arm> kept = new ArrayList<>();
        for (Arm arm : asked.arms()) {
            Optional<PlannedRun> run =
                    asked.runs().stream().filter(r -> r.arm().equals(arm)).findFirst();
            Object training = run.map(r -> check(asked.arguments(r)).essence());
            Arm twin = byTraining.putIfAbsent(Arrays.asList(training, arm.sweep()), arm);
            if (twin == null || held.contains(arm)) {
                kept.add(arm);
            } else {
                new Terminal(spec.commandLine())
                        .note(arm.label() + " is " + twin.label() + ": it is trained once.");
            }
        }
        return asked.with(kept);
    }

    private Comparison described() {
        Map<String, String> options = common();
        Comparison base =
                preset == null
                        ? new Comparison(
                                "",
                                Measure.TEST,
                                options,
                                arms(List.of("flipout-adaptive", "flipout", "global-magnitude")),
                                Sparsities.PAPER,
                                List.of(1))
                        : Preset.named(preset).comparison(options);
        Comparison asked =
                new Comparison(
                        base.preset(),
                        measure == null ? base.measure() : measure,
                        base.options(),
                        wanted(methods.isEmpty() ? base.arms() : arms(methods)),
                        sparsities.isEmpty() ? base.sparsities() : distinct(sparsities),
                        seeds.isEmpty() ? base.seeds() : distinct(seeds));
        checkSparsities(asked.sparsities());
        if (asked.measure() == Measure.VALIDATION
                && asked.options().getOrDefault("val-size", "0").equals("0")) {
            throw Failure.misuse("--measure validation needs images held out: give --val-size.");
        }
        return asked;
    }

    private static List<Arm> arms(List<String> texts) {
        return arms(Stream.concat(Stream.of(Arm.DENSE), texts.stream()));
    }

    private static List<Arm> arms(Stream<String> texts) {
        return texts.flatMap(text -> Arm.parse(text, MethodOptions::sweep).stream())
                .distinct()
                .toList();
    }

    private List<Arm> wanted(List<Arm> arms) {
        return arms.stream().filter(arm -> !(noDense && arm.isDense())).toList();
    }

    private static <T> List<T> distinct(List<T> values) {
        return values.stream().distinct().toList();
    }

    private static void checkSparsities(List<Double> sparsities) {
        for (double sparsity : sparsities) {
            if (!(sparsity > 0 && sparsity < 1)) {
                throw Failure.misuse(
                        "--sparsities must lie between 0 and 1, got "
                                + sparsity
                                + "; the dense network is trained anyway.");
            }
        }
    }

    /** Returns the options of all runs as the command line gives them. */
    private Map<String, String> common() {
        CommandLine train = parsed(new TrainCommand(), trainOptions);
        List<OptionSpec> given = train.getParseResult().matchedOptions();
        Map<String, String> options = new LinkedHashMap<>();
        for (OptionSpec option : given) {
            String name = option.longestName().replaceFirst("^--", "");
            if (OURS.contains(name)) {
                throw Failure.misuse(
                        "compare sets --"
                                + name
                                + " of each run itself: give --methods, --sparsities, --seeds and"
                                + " --out.");
            }
            options.put(name, Configuration.text(option.getValue()));
        }
        options.remove("verbose");
        // A comparison may go on in another folder, or on another machine.
        options.computeIfPresent("model", (name, model) -> Networks.place(model));
        if (preset == null) {
            // Said even where they are defaults: what is compared is to be read in the folder.
            for (String name : SAID) {
                OptionSpec option = train.getCommandSpec().findOption("--" + name);
                options.putIfAbsent(name, Configuration.text(option.getValue()));
            }
        }
        return options;
    }

    /** Reads the options of a run, so that what is wrong with them is known before any training. */
    private static TrainCommand check(List<String> options) {
        TrainCommand train = new TrainCommand();
        parsed(train, options);
        return train;
    }

    /** Says which options of an arm mean nothing to it, and which of all to none. */
    private static Set<String> notUsed(Map<PlannedRun, TrainCommand> trainings) {
        Set<String> sentences = new LinkedHashSet<>();
        Map<String, Integer> common = new LinkedHashMap<>();
        trainings.forEach(
                (run, train) ->
                        train.ignored()
                                .forEach(
                                        (option, by) -> {
                                            if (run.arm()
                                                    .options()
                                                    .containsKey(option.substring(2))) {
                                                sentences.add(TrainCommand.notUsed(option, by));
                                            } else {
                                                common.merge(option, 1, Integer::sum);
                                            }
                                        }));
        common.forEach(
                (option, runs) -> {
                    if (runs == trainings.size()) {
                        sentences.add(TrainCommand.notUsed(option, "any of the methods"));
                    }
                });
        return sentences;
    }

    private static CommandLine parsed(TrainCommand train, List<String> options) {
        CommandLine commandLine = CommandLines.configured(new CommandLine(train));
        try {
            commandLine.parseArgs(options.toArray(String[]::new));
            return commandLine;
        } catch (ParameterException e) {
            throw Failure.misuse(Errors.misuse(e));
        }
    }

    private static void checkData(Comparison asked, Consumer<String> log) throws IOException {
        TrainCommand first = check(asked.arguments(asked.runs().get(0)));
        first.check();
        first.checkData(log);
    }

    private void checkSpark() {
        if (spark == null && (!sparkConf.isEmpty() || !ship.isEmpty())) {
            throw Failure.misuse(
                    (sparkConf.isEmpty() ? "--ship" : "--spark-conf")
                            + " is for --spark: give it.");
        }
        if (spark != null && !spark.matches("(spark|k8s)://.+|yarn|local.*")) {
            throw Failure.misuse(
                    "--spark takes spark://HOST:7077, yarn, k8s://HOST:PORT or"
                            + " local-cluster[WORKERS,CORES,MB], got '"
                            + spark
                            + "'.");
        }
        if (spark != null && !gpus.isEmpty()) {
            throw Failure.misuse(
                    "Spark tells which GPU a run has: instead of --gpus give --spark-conf"
                            + " spark.task.resource.gpu.amount=1.");
        }
        for (String setting : sparkConf) {
            if (!setting.matches("spark\\.[^=]+=.*")) {
                throw Failure.misuse(
                        "--spark-conf takes KEY=VALUE with a key of Spark's, such as"
                                + " spark.task.cpus=2, got '"
                                + setting
                                + "'.");
            }
        }
    }

    private void checkJobs() {
        if (jobs != null && jobs < 1) {
            throw Failure.misuse("--jobs must be at least 1, got " + jobs + ".");
        }
        if (jobs != null && !gpus.isEmpty() && jobs > gpus.size()) {
            throw Failure.misuse(
                    "--jobs "
                            + jobs
                            + " is more than one for each of "
                            + gpus.size()
                            + " GPUs: name a GPU twice to train two networks on it.");
        }
    }

    /** Returns where runs take place. */
    private Places places(Comparison asked, Terminal terminal) throws IOException {
        if (spark == null) {
            return new LocalPlaces(main(), localPlaces());
        }
        return new SparkPlaces(
                new SparkPlaces.Options(
                        spark,
                        sparkConf,
                        new LinkedHashSet<>(ship),
                        jobs == null ? Integer.MAX_VALUE : jobs),
                main(),
                out,
                asked.runs().stream().map(asked::arguments).toList(),
                terminal::note);
    }

    /** Returns the options of each place on this machine. */
    private List<List<String>> localPlaces() {
        int count = jobs != null ? jobs : Math.max(1, gpus.size());
        int threads = Math.max(1, Runtime.getRuntime().availableProcessors() / count);
        List<List<String>> places = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            List<String> options = new ArrayList<>(List.of("--threads=" + threads));
            if (!gpus.isEmpty()) {
                options.add("--device=gpu" + gpus.get(i));
            }
            places.add(options);
        }
        return places;
    }

    private void refuseAnother(Comparison asked, Comparison held) {
        if (asked.continues(held)) {
            return;
        }
        List<String> differences = new ArrayList<>();
        if (!asked.options().equals(held.options())) {
            differences.add("options " + held.options());
        }
        if (asked.measure() != held.measure()) {
            differences.add("measure");
        }
        if (!asked.arms().containsAll(held.arms())) {
            differences.add(
                    "methods "
                            + held.arms().stream()
                                    .map(Arm::label)
                                    .collect(Collectors.joining(", ")));
        }
        if (!asked.sparsities().containsAll(held.sparsities())) {
            differences.add("sparsities " + held.sparsities());
        }
        if (!asked.seeds().containsAll(held.seeds())) {
            differences.add("seeds " + held.seeds());
        }
        throw Failure.misuse(
                out
                        + " holds another comparison, of "
                        + String.join("; ", differences)
                        + ": choose another --out, or continue it by --out alone, to which"
                        + " --methods, --sparsities and --seeds add what is new; with other"
                        + " options, all that it holds must be repeated.");
    }

    private void refuseOtherFiles() throws IOException {
        if (Files.exists(out) && !Files.isDirectory(out)) {
            throw Failure.misuse(out + " is a file, not a folder: choose another --out.");
        }
        if (Files.isDirectory(out)) {
            try (Stream<Path> entries = Files.list(out)) {
                if (entries.anyMatch(
                        entry ->
                                !entry.endsWith(FolderLock.FILE)
                                        && !entry.endsWith(Comparison.RUNS))) {
                    throw Failure.misuse(
                            out + " holds other files: choose another --out, new or empty.");
                }
            }
        }
    }
}
