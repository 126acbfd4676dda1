package io.flipout.cli.spark;

import io.flipout.cli.comparison.Attempts;
import io.flipout.cli.comparison.Comparison;
import io.flipout.cli.comparison.Places;
import io.flipout.cli.comparison.PlannedRun;
import io.flipout.cli.comparison.RunAtWork;
import io.flipout.cli.comparison.RunProcess;
import io.flipout.cli.run.RunFolder;
import io.flipout.cli.terminal.Errors;
import io.flipout.cli.terminal.Failure;
import io.flipout.cli.terminal.ShellWord;
import io.flipout.models.Models;
import java.io.File;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;

/**
 * The executors of a Spark cluster. Each run is a task of Spark's, which decides where and when,
 * and tries it again where it fails.
 *
 * <p>What is said to Spark's driver and heard from it are arrays of words; {@code
 * io.flipout.spark.Driver} tells which.
 */
public final class SparkPlaces implements Places {

    /** Where Spark's driver is told to connect to, if another has started it. */
    private static final String SOCKET = "flipout.spark.socket";

    /** The folder of FlipOut's newest build, which is a link. */
    private static final String FLIPOUT = "flipout.home";

    /** Options of a training that name something to be read. */
    private static final List<String> INPUTS = List.of("--data=", "--model=");

    private static final String TOKEN = ".here-";

    private final Options options;
    private final Path folder;
    private final Consumer<String> notes;
    private final Path temporary;
    private final Path token;
    private final SparkProcess process;
    private final SocketChannel orders;
    private final SocketChannel events;
    private final ObjectOutputStream out;
    private final ObjectInputStream in;

    private final Map<String, SparkRun> runs = new ConcurrentHashMap<>();
    private final CountDownLatch ready = new CountDownLatch(1);
    private volatile int slots;
    private volatile String fault = "";
    private volatile boolean isClosing;

    /** What Spark's executors do not share with this machine, and is sent to and fro. */
    public enum Shipped {
        /** FlipOut and what it is made of. */
        FLIPOUT,
        /** The images, and a network that is trained on. */
        DATA,
        /** The folders of the runs. */
        RUNS
    }

    /**
     * How Spark is asked for.
     *
     * @param master the master's address, such as {@code spark://host:7077}
     * @param settings settings of Spark's, such as {@code spark.task.cpus=2}
     * @param shipped what executors do not share
     * @param jobs how many runs are at work at a time at most
     */
    public record Options(String master, List<String> settings, Set<Shipped> shipped, int jobs) {}

    /**
     * Asks for the executors.
     *
     * @param options how
     * @param main FlipOut's main class
     * @param folder the comparison's folder
     * @param arguments the options of {@code flipout train} of all runs
     * @param notes takes sentences that a user should read
     * @throws IOException if Spark cannot be reached
     */
    public SparkPlaces(
            Options options,
            Class<?> main,
            Path folder,
            List<List<String>> arguments,
            Consumer<String> notes)
            throws IOException {
        this.options = options;
        this.folder = folder.toAbsolutePath().normalize();
        this.notes = notes;
        Path runsFolder = this.folder.resolve(Comparison.RUNS);
        temporary = Files.createTempDirectory("flipout-");
        token = runsFolder.resolve(TOKEN + UUID.randomUUID());
        boolean isWhole = false;
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            Set<String> inputs = inputs(arguments);
            forgetTokens(runsFolder);
            Files.createFile(token);
            process = listen(server);
            orders = accepted(server);
            events = accepted(server);
            out = new ObjectOutputStream(Channels.newOutputStream(orders));
            out.flush();
            in = new ObjectInputStream(Channels.newInputStream(events));
            out.writeObject(here(main, inputs, runsFolder));
            out.flush();
            isWhole = true;
        } finally {
            if (!isWhole) {
                forget();
            }
        }
        Thread reader = new Thread(this::read, "spark");
        reader.setDaemon(true);
        reader.start();
        awaitReady();
    }

    /** Returns the paths of all that runs read. */
    private Set<String> inputs(List<List<String>> arguments) {
        Set<String> inputs = new LinkedHashSet<>();
        arguments.forEach(words -> words.forEach(word -> input(word).ifPresent(inputs::add)));
        if (inputs.isEmpty() && options.shipped().contains(Shipped.DATA)) {
            throw Failure.misuse(
                    "--ship data sends what --data and --model name: give --data, or leave data out"
                            + " of --ship where each machine finds the images by itself.");
        }
        return inputs;
    }

    /** Those of comparisons that were killed. */
    private static void forgetTokens(Path runs) throws IOException {
        try (DirectoryStream<Path> tokens = Files.newDirectoryStream(runs, TOKEN + "*")) {
            for (Path old : tokens) {
                Files.delete(old);
            }
        }
    }

    /** Lets Spark's driver find this process; returns null where another has started it. */
    private SparkProcess listen(ServerSocketChannel server) throws IOException {
        String given = System.getProperty(SOCKET);
        Path socket = given == null ? temporary.resolve("socket") : Path.of(given);
        if (given != null && !options.settings().isEmpty()) {
            throw Failure.misuse(
                    "spark-submit has set up Spark: give it --conf "
                            + ShellWord.of(options.settings().get(0))
                            + " before the jar, in the place of --spark-conf.");
        }
        server.bind(UnixDomainSocketAddress.of(socket));
        if (given != null) {
            closeAfter(ProcessHandle.current().parent(), server);
            return null;
        }
        SparkProcess started =
                SparkProcess.start(
                        options.master(), options.settings(), socket, folder.resolve("spark.log"));
        started.onExit(() -> close(server));
        return started;
    }

    @SuppressWarnings("FutureReturnValueIgnored") // Nobody waits for it.
    private static void closeAfter(Optional<ProcessHandle> submission, ServerSocketChannel server) {
        submission.ifPresent(process -> process.onExit().thenRun(() -> close(server)));
    }

    private static void close(ServerSocketChannel server) {
        try {
            server.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private SocketChannel accepted(ServerSocketChannel server) throws IOException {
        try {
            return server.accept();
        } catch (ClosedChannelException e) {
            throw Failure.of("Spark has ended" + seeLog() + ".", e);
        }
    }

    private void awaitReady() throws IOException {
        try {
            ready.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (!fault.isEmpty()) {
            close();
            throw Failure.of(fault, null);
        }
    }

    /** Says how things are on this machine. */
    private String[][] here(Class<?> main, Set<String> inputs, Path runsFolder) {
        List<String> classPath = new ArrayList<>();
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
            if (Files.exists(Path.of(entry))) {
                classPath.add(Path.of(entry).toAbsolutePath().normalize().toString());
            }
        }
        List<String> environment =
                System.getenv().entrySet().stream()
                        .filter(
                                variable ->
                                        variable.getKey().startsWith("OMP_")
                                                || variable.getKey().equals("OPT_OUT_TRACKING"))
                        .map(variable -> variable.getKey() + "=" + variable.getValue())
                        .toList();
        return new String[][] {
            words("main", List.of(main.getName())),
            words("classpath", classPath),
            words("home", List.of(System.getProperty(FLIPOUT, ""))),
            words("options", RunProcess.options()),
            words("environment", environment),
            words("directory", List.of(Path.of("").toAbsolutePath().toString())),
            words("inputs", inputs),
            words("runs", List.of(runsFolder.toString())),
            words("token", List.of(token.getFileName().toString())),
            words("ship", shipped())
        };
    }

    private static String[] words(String name, Iterable<String> values) {
        List<String> words = new ArrayList<>(List.of(name));
        values.forEach(words::add);
        return words.toArray(String[]::new);
    }

    /** Returns the whole path of what an option names to be read, if it does and that is there. */
    private static Optional<String> input(String option) {
        return INPUTS.stream()
                .filter(option::startsWith)
                .map(name -> option.substring(name.length()))
                .filter(name -> !Models.names().contains(name.toLowerCase(Locale.ROOT)))
                .filter(name -> Files.exists(Path.of(name)))
                .map(name -> Path.of(name).toAbsolutePath().normalize().toString())
                .findFirst();
    }

    /** Names what is read by its whole path, as a training may begin in another folder. */
    private static String whole(String option) {
        return input(option)
                .map(path -> option.substring(0, option.indexOf('=') + 1) + path)
                .orElse(option);
    }

    @Override
    public String describe() {
        return "on " + options.master();
    }

    @Override
    public String option() {
        StringBuilder words = new StringBuilder(" --spark " + ShellWord.of(options.master()));
        options.settings().forEach(s -> words.append(" --spark-conf ").append(ShellWord.of(s)));
        if (!options.shipped().isEmpty()) {
            words.append(" --ship ").append(String.join(",", shipped()));
        }
        return words.toString();
    }

    private List<String> shipped() {
        return options.shipped().stream()
                .map(what -> what.name().toLowerCase(Locale.ROOT))
                .toList();
    }

    @Override
    public void check() {
        if (!fault.isEmpty()) {
            throw Failure.of(fault, null);
        }
    }

    @Override
    public boolean hasRoom() {
        long atWork = runs.values().stream().filter(SparkRun::isAlive).count();
        return atWork < Math.min(slots, options.jobs());
    }

    @Override
    public RunAtWork start(PlannedRun run, Path target, List<String> arguments) {
        SparkRun started = new SparkRun(run, target, () -> tell("stop", run.name()));
        runs.put(run.name(), started);
        List<String> words = new ArrayList<>(List.of("start", run.name()));
        arguments.forEach(option -> words.add(whole(option)));
        tell(words.toArray(String[]::new));
        return started;
    }

    private synchronized void tell(String... words) {
        try {
            out.writeObject(words);
            out.reset();
            out.flush();
        } catch (IOException e) {
            fail("Spark has ended" + seeLog() + ". The same command goes on.");
        }
    }

    private String seeLog() {
        return process == null ? "" : process.fault().replaceFirst("^Spark has ended", "");
    }

    /** Takes in what Spark's driver tells, until it ends. */
    private void read() {
        try {
            while (true) {
                String[] words = (String[]) in.readObject();
                hear(words[0], Arrays.copyOfRange(words, 1, words.length));
            }
        } catch (IOException | ClassNotFoundException e) {
            if (!isClosing) {
                fail("Spark has ended" + seeLog() + ". The same command goes on.");
            }
        } finally {
            runs.values().forEach(SparkRun::stopped);
            ready.countDown();
        }
    }

    private void fail(String sentence) {
        if (fault.isEmpty()) {
            fault = sentence;
        }
        ready.countDown();
    }

    private void hear(String what, String... words) {
        switch (what) {
            case "ready" -> ready.countDown();
            case "slots" -> slots = Integer.parseInt(words[0]);
            case "started" -> runs.get(words[0]).started(words[1]);
            case "epochs" -> runs.get(words[0]).trained(Integer.parseInt(words[1]));
            case "again" ->
                    notes.accept(
                            String.format(
                                    Locale.ROOT,
                                    "%s has failed on %s and is tried again: %s",
                                    runs.get(words[0]).run().title(),
                                    words[1],
                                    words[2]));
            case "done" -> done(runs.get(words[0]), words[1], Path.of(words[2]));
            case "failed" -> failed(runs.get(words[0]), words[1], words[2], words[3]);
            case "stopped" -> {
                settle(runs.get(words[0]));
                runs.get(words[0]).stopped();
            }
            case "machine", "note" -> notes.accept(words[0]);
            default -> fail(words[0]);
        }
    }

    /** Makes an attempt's folder the run's, as it would be if it had been made here. */
    private void done(SparkRun run, String host, Path attempt) {
        try {
            Attempts.take(attempt, run.folder());
            run.done(host);
        } catch (IOException e) {
            run.failed(host, "Its results could not be kept: " + Errors.sentence(e));
        }
    }

    private void failed(SparkRun run, String host, String there, String sentence) {
        settle(run);
        run.failed(
                host,
                there.isEmpty() ? sentence : sentence.replace(there, run.folder().toString()));
    }

    /** Keeps how far a run has come, to go on from. */
    private void settle(SparkRun run) {
        try {
            Attempts.settle(run.folder());
        } catch (IOException e) {
            notes.accept(run.run().title() + ": " + Errors.sentence(e));
        }
    }

    @Override
    public void close() throws IOException {
        isClosing = true;
        orders.shutdownOutput(); // It ends when it hears no more.
        if (process != null) {
            process.close();
        }
        orders.close();
        events.close();
        forget();
    }

    private void forget() throws IOException {
        Files.deleteIfExists(token);
        RunFolder.delete(temporary);
    }
}
