package io.flipout.spark;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.UnixDomainSocketAddress;
import java.net.UnknownHostException;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.util.LongAccumulator;
import org.apache.spark.util.SignalUtils;

/**
 * Runs what a {@code flipout compare} asks for on a Spark cluster, each run as a job of one task.
 *
 * <p>The two speak in arrays of words. The command says once how things are at its place, and then
 * {@code start RUN OPTION...} and {@code stop RUN}; it hears {@code ready}, {@code slots N}, {@code
 * started RUN HOST}, {@code epochs RUN N}, {@code again RUN HOST SENTENCE}, {@code machine
 * SENTENCE}, in the end of each run {@code done RUN HOST FOLDER}, {@code failed RUN HOST
 * FOLDER-THERE SENTENCE} or {@code stopped RUN}, and {@code note SENTENCE} or {@code fault
 * SENTENCE} where that concerns all of them.
 */
public final class Driver implements RunListener.Events {

    /** The option that names the socket where a command listens. */
    static final String SOCKET = "--socket";

    /** The counter of a task. */
    static final String EPOCHS = "epochs";

    /** The parts of the archive of a run. */
    static final String RUN = "run/";

    static final String LOG = "log";

    private static final int ATTEMPTS = 3;

    private static final int NOTE_SECONDS = 15;

    private static final long POLL_MILLIS = 100;

    private static final Pattern TIMES = Pattern.compile("failed (\\d+) times");

    private static final Pattern LAST_ATTEMPT = Pattern.compile("\\((\\S+) executor \\S+\\): (.*)");

    /** How Spark is set up where nobody says otherwise. */
    private static final Map<String, String> SETTINGS =
            Map.of(
                    // Each attempt on another executor, while there are others.
                    "spark.excludeOnFailure.taskAndStage.enabled", "true",
                    "spark.scheduler.excludeOnFailure.unschedulableTaskSetTimeout", "1s",
                    "spark.executor.heartbeatInterval", "2s",
                    "spark.locality.wait", "0",
                    "spark.ui.enabled", "false",
                    // An executor waits for a process and hardly computes.
                    "spark.executor.memory", "512m",
                    "spark.executor.extraJavaOptions", "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
                    // The training counts to the memory of a container.
                    "spark.executor.memoryOverhead", "4g");

    private final ObjectInputStream in;
    private final ObjectOutputStream out;
    private final ExecutorService runs = Executors.newCachedThreadPool();
    private final Set<String> stopped = ConcurrentHashMap.newKeySet();
    private final Set<String> toldMachines = new HashSet<>();

    private JavaSparkContext spark;
    private RunListener listener;
    private Setup setup;
    private volatile long emptySince = System.nanoTime();
    private volatile boolean isEmpty = true;
    private volatile boolean isClosing;

    private Driver(ObjectInputStream in, ObjectOutputStream out) {
        this.in = in;
        this.out = out;
    }

    /**
     * Serves a command that waits at {@code --socket PATH}; or, submitted by hand, runs the command
     * that the words make.
     *
     * @param args the words
     * @throws Exception if it cannot be reached
     */
    public static void main(String[] args) throws Exception {
        // A terminal's signals go to the command too, which lets runs end in good order.
        SignalUtils.register("INT", () -> true);
        if (args.length == 2 && args[0].equals(SOCKET)) {
            serve(Path.of(args[1]));
            System.exit(0);
        }
        System.exit(Submission.run(args));
    }

    /** Serves the command that listens there until that ends. */
    static void serve(Path socket) {
        UnixDomainSocketAddress address = UnixDomainSocketAddress.of(socket);
        try (SocketChannel orders = SocketChannel.open(address);
                SocketChannel events = SocketChannel.open(address);
                ObjectOutputStream out = new ObjectOutputStream(Channels.newOutputStream(events));
                ObjectInputStream in = new ObjectInputStream(Channels.newInputStream(orders))) {
            new Driver(in, out).serve();
        } catch (ClassNotFoundException e) {
            throw new IllegalStateException(e); // The words are Java's own.
        } catch (IOException e) {
            // The command has ended, and nobody is left to tell.
        }
    }

    private void serve() throws IOException, ClassNotFoundException {
        Thread watch = new Thread(this::watch, "watch");
        watch.setDaemon(true);
        try {
            begin((String[][]) in.readObject());
            tell("ready", spark.sc().master());
            watch.start();
            while (true) {
                String[] words = (String[]) in.readObject();
                if (words[0].equals("start")) {
                    runs.execute(() -> runOrTell(words));
                } else {
                    stopped.add(words[1]);
                    // Also if it has not come to be one yet.
                    spark.sc().cancelJobGroupAndFutureJobs(words[1]);
                }
            }
        } catch (EOFException e) {
            // The command has ended.
        } catch (Refusal e) {
            tell("fault", e.getMessage());
        } catch (RuntimeException | IOException e) {
            tell("fault", sentence(e));
        } finally {
            isClosing = true;
            watch.interrupt();
            if (spark != null) {
                spark.cancelAllJobs();
                spark.stop();
            }
            runs.shutdownNow();
        }
    }

    /** Something that a user can mend, in a sentence. */
    private static final class Refusal extends IOException {

        private static final long serialVersionUID = 1L;

        Refusal(String sentence) {
            super(sentence);
        }
    }

    private void begin(String[][] place) throws IOException {
        Map<String, List<String>> values = new LinkedHashMap<>();
        for (String[] words : place) {
            values.put(words[0], List.of(words).subList(1, words.length));
        }
        SparkConf conf = new SparkConf();
        conf.setAppName("FlipOut " + values.get("runs").get(0));
        SETTINGS.forEach(conf::setIfMissing);
        conf.setIfMissing("spark.task.maxFailures", Integer.toString(ATTEMPTS));
        String gpus = conf.get("spark.task.resource.gpu.amount", "0");
        if (!gpus.equals("0")) {
            conf.setIfMissing(
                    "spark.executor.resource.gpu.amount",
                    Integer.toString((int) Math.ceil(Double.parseDouble(gpus))));
        }
        checkMaster(conf.get("spark.master"));
        checkSpeculation(conf);
        RunListener.addTo(conf, this);
        spark = context(conf);
        listener = RunListener.current();
        setup = new Shipment(spark).setup(values, conf.getInt("spark.task.cpus", 1));
    }

    private static JavaSparkContext context(SparkConf conf) throws Refusal {
        try {
            return new JavaSparkContext(conf);
        } catch (Exception e) { // Scala throws what it does not declare.
            throw new Refusal(
                    String.format(
                            Locale.ROOT,
                            "Spark cannot begin on %s (%s).",
                            conf.get("spark.master"),
                            reason(e)));
        }
    }

    /** Spark itself would try for a minute. */
    private static void checkMaster(String master) throws Refusal {
        if (!master.startsWith("spark://")) {
            return;
        }
        String fault = "";
        for (String address : master.substring("spark://".length()).split(",", -1)) {
            int colon = address.lastIndexOf(':');
            try (Socket socket = new Socket()) {
                socket.connect(
                        new InetSocketAddress(
                                address.substring(0, Math.max(0, colon)),
                                Integer.parseInt(address.substring(colon + 1))),
                        (int) TimeUnit.SECONDS.toMillis(5));
                return;
            } catch (UnknownHostException e) {
                fault = "nobody knows a host of that name";
            } catch (IOException e) {
                fault = e.getMessage();
            } catch (IllegalArgumentException e) {
                throw new Refusal(
                        master + " is no address of a Spark master: spark://HOST:7077 is one.");
            }
        }
        throw new Refusal(
                "No Spark master answers at "
                        + master
                        + " ("
                        + fault
                        + "): start one there by ./flipout spark master, or give another --spark.");
    }

    /** Spark compares the tasks of a job by themselves, but here each is the only one. */
    private static void checkSpeculation(SparkConf conf) throws Refusal {
        if (conf.getBoolean("spark.speculation", false)
                && !conf.contains("spark.speculation.task.duration.threshold")) {
            throw new Refusal(
                    "spark.speculation=true starts nothing twice without"
                            + " spark.speculation.task.duration.threshold: set that too, to a time"
                            + " that no run is to take alone, such as 2h.");
        }
    }

    /** Whatever goes wrong, the command is not to wait for ever. */
    private void runOrTell(String[] words) {
        try {
            run(words);
        } catch (RuntimeException | Error e) {
            tell("failed", words[1], "", "", sentence(e));
        }
    }

    /** Runs one until it is done, or has failed as often as it may. */
    private void run(String[] words) {
        String run = words[1];
        String[] options = List.of(words).subList(2, words.length).toArray(String[]::new);
        while (true) {
            try {
                LongAccumulator epochs = spark.sc().longAccumulator(EPOCHS);
                spark.setJobGroup(run, run, true);
                RunTask task = new RunTask(setup, options, epochs);
                Outcome outcome = spark.parallelize(List.of(run), 1).map(task).collect().get(0);
                tell("done", run, outcome.host(), received(outcome));
                return;
            } catch (Exception e) { // Scala throws what it does not declare.
                if (stopped.contains(run)) {
                    awaitEnd(run);
                    tell("stopped", run);
                    return;
                }
                if (spark.sc().isStopped()) {
                    return; // All are told so.
                }
                if (e instanceof IOException) {
                    tell("failed", run, "", "", "Its results could not be kept: " + e.getMessage());
                    return;
                }
                String message = String.valueOf(e.getMessage());
                Matcher times = TIMES.matcher(message);
                int failures = times.find() ? Integer.parseInt(times.group(1)) : 1;
                if (Math.max(failures, listener.failures(run)) >= ATTEMPTS) {
                    tellFailed(run, e, message);
                    return;
                }
            }
        }
    }

    private void tellFailed(String run, Exception e, String message) {
        Throwable cause = e.getCause();
        RunFailure failure = cause instanceof RunFailure known ? known : listener.lastFailure(run);
        if (failure == null) {
            Matcher last = LAST_ATTEMPT.matcher(message);
            boolean isOfSpark = last.find();
            tell(
                    "failed",
                    run,
                    isOfSpark ? last.group(1) : "",
                    "",
                    isOfSpark ? RunListener.sentence(last.group(2)) : sentence(e));
            return;
        }
        String folder = failure.folder();
        try {
            if (failure.log().length > 0) {
                Files.write(Path.of(setup.runs()).resolve(run + ".log"), failure.log());
            }
        } catch (IOException full) {
            tell("note", "The log of " + run + " could not be kept: " + full.getMessage());
        }
        String host = failure.isOfMachine() ? "" : failure.host(); // The sentence names it.
        tell("failed", run, host, folder, failure.getMessage());
    }

    /** Puts what came from another machine beside the other runs; returns where. */
    private String received(Outcome outcome) throws IOException {
        if (setup.isRunsShared()) {
            return outcome.folder();
        }
        Path runs = Path.of(setup.runs());
        Path folder = runs.resolve(Path.of(outcome.folder()).getFileName());
        Path archive = folder.resolveSibling(folder.getFileName() + ".archive");
        try {
            Contents.unpack(new ByteArrayInputStream(outcome.archive()), archive);
            String log = new String(Files.readAllBytes(archive.resolve(LOG)), UTF_8);
            Files.writeString(
                    folder.resolveSibling(folder.getFileName() + ".log"),
                    log.replace(outcome.folder(), folder.toString()));
            Files.move(archive.resolve(RUN), folder);
            return folder.toString();
        } finally {
            Contents.delete(archive);
        }
    }

    /** Waits until a run that was stopped has saved itself. */
    private void awaitEnd(String run) {
        try {
            for (int i = 0; i < 600 && listener.isAtWork(run); i++) {
                Thread.sleep(POLL_MILLIS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Says that no machine has come, and in the end no longer waits for one. */
    private void watch() {
        SparkConf conf = spark.sc().conf();
        long limit = conf.getTimeAsSeconds("spark.flipout.wait", "120s");
        boolean isTold = false;
        try {
            while (!isClosing) {
                Thread.sleep(POLL_MILLIS);
                long seconds = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - emptySince);
                if (!isEmpty) {
                    isTold = false;
                } else if (seconds >= limit) {
                    tell(
                            "fault",
                            String.format(
                                    Locale.ROOT,
                                    "%s. None has come in %d s; --spark-conf spark.flipout.wait=1h"
                                            + " waits longer.",
                                    lack(conf),
                                    limit));
                    return;
                } else if (seconds >= NOTE_SECONDS && !isTold) {
                    tell("note", lack(conf) + ". The comparison waits for one.");
                    isTold = true;
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static String lack(SparkConf conf) {
        int cores = conf.getInt("spark.executor.cores", conf.getInt("spark.task.cpus", 1));
        return String.format(
                Locale.ROOT,
                "%s has no machine free with what a run takes: %s, %s of memory%s",
                conf.get("spark.master"),
                count(cores, "core"),
                conf.get("spark.executor.memory"),
                conf.contains("spark.task.resource.gpu.amount")
                        ? " and "
                                + count(conf.getInt("spark.executor.resource.gpu.amount", 1), "GPU")
                        : "");
    }

    private static String count(int count, String unit) {
        return count + " " + unit + (count == 1 ? "" : "s");
    }

    private static String sentence(Throwable e) {
        return "Spark says: " + reason(e);
    }

    private static String reason(Throwable e) {
        Throwable root = e;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        String message = root.getMessage() == null ? root.getClass().getName() : root.getMessage();
        return message.lines().findFirst().orElse(message);
    }

    private void tell(String... words) {
        try {
            synchronized (out) {
                out.writeObject(words);
                out.reset();
                out.flush();
            }
        } catch (IOException e) {
            // The command has ended, which is seen where it is listened to.
        }
    }

    @Override
    public void started(String run, String host) {
        tell("started", run, host);
    }

    @Override
    public void trained(String run, long epochs) {
        tell("epochs", run, Long.toString(epochs));
    }

    @Override
    public void failed(String run, String host, String sentence, boolean isOfMachine) {
        if (isOfMachine) {
            if (toldMachines.add(sentence)) {
                tell("machine", sentence);
            }
        } else if (!stopped.contains(run) && listener.failures(run) < ATTEMPTS) {
            tell("again", run, host, sentence);
        }
    }

    @Override
    public void slots(int count) {
        if (count == 0 && !isEmpty) {
            emptySince = System.nanoTime();
        }
        isEmpty = count == 0;
        boolean isOpen =
                spark != null
                        && spark.sc().conf().getBoolean("spark.dynamicAllocation.enabled", false);
        tell("slots", Integer.toString(isOpen ? Integer.MAX_VALUE : count));
    }

    @Override
    public void over() {
        if (!isClosing) {
            tell(
                    "fault",
                    spark.sc().master()
                            + " has ended the comparison's application: its machines could not"
                            + " start executors, or somebody has stopped it; Spark's log tells"
                            + " more.");
        }
    }
}
