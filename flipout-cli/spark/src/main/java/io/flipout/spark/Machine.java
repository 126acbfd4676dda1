package io.flipout.spark;

import io.flipout.spark.Setup.Part;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.spark.SparkEnv;
import org.apache.spark.SparkFiles;

/** The machine of an executor, which has been found to have all that runs need. */
final class Machine {

    /** Folders that Spark or its cluster clears when the application is over. */
    private static final List<String> SCRATCH =
            List.of("SPARK_EXECUTOR_DIRS", "LOCAL_DIRS", "SPARK_LOCAL_DIRS");

    private static Machine here;

    private final Setup setup;
    private final String host;
    private final Path scratch;
    private final List<String> classPath = new ArrayList<>();

    /** Where the inputs are, by their paths on the driver's machine. */
    private final Map<String, String> inputs = new HashMap<>();

    private Machine(Setup setup) throws IOException {
        this.setup = setup;
        host = hostName();
        scratch = Files.createTempDirectory(scratchRoot(), "flipout-");
    }

    private void check() throws IOException, RunFailure {
        checkJava(host, Runtime.version().feature(), setup.java());
        findFlipOut();
        for (Part input : setup.inputs()) {
            inputs.put(input.path(), find(input));
        }
        if (setup.isRunsShared() && !Files.exists(Path.of(setup.runs()).resolve(setup.token()))) {
            throw RunFailure.ofMachine(
                    host,
                    host
                            + " does not see "
                            + setup.runs()
                            + ": share that folder with it, or give --ship runs.");
        }
    }

    /**
     * Returns this machine.
     *
     * @throws RunFailure if it lacks something, which is looked for again next time
     */
    static synchronized Machine of(Setup setup) throws RunFailure {
        if (here == null || !here.setup.equals(setup)) {
            try {
                Machine machine = new Machine(setup);
                try {
                    machine.check();
                    here = machine;
                } finally {
                    if (here != machine) {
                        Contents.delete(machine.scratch);
                    }
                }
            } catch (InvalidPathException e) {
                throw RunFailure.ofMachine(
                        hostName(),
                        String.format(
                                Locale.ROOT,
                                "%s has a locale without the letters of '%s': start Spark there"
                                        + " with LC_ALL=C.UTF-8.",
                                hostName(),
                                e.getInput()));
            } catch (IOException e) {
                throw RunFailure.ofMachine(
                        hostName(), hostName() + " cannot train: " + reason(e) + ".");
            }
        }
        return here;
    }

    private static String hostName() {
        return SparkEnv.get().blockManager().blockManagerId().host();
    }

    private static String reason(IOException e) {
        return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    }

    private static Path scratchRoot() throws IOException {
        String dirs =
                SCRATCH.stream()
                        .map(System::getenv)
                        .filter(value -> value != null && !value.isEmpty())
                        .findFirst()
                        .orElse(System.getProperty("java.io.tmpdir"));
        return Files.createDirectories(
                Path.of(dirs.split("[" + File.pathSeparator + ",]", -1)[0]).toAbsolutePath());
    }

    /** Refuses a Java that is another one than the driver's. */
    static void checkJava(String host, int here, int driver) throws RunFailure {
        if (here != driver) {
            throw RunFailure.ofMachine(
                    host,
                    String.format(
                            Locale.ROOT,
                            "%s runs Java %d, but the comparison Java %d: start Spark there with a"
                                    + " JAVA_HOME of that version.",
                            host,
                            here,
                            driver));
        }
    }

    private void findFlipOut() throws IOException, RunFailure {
        for (Part part : setup.classPath()) {
            if (part.isShipped()) {
                classPath.add(shipped(part).toString());
                continue;
            }
            Path path = Path.of(part.path());
            if (!Files.exists(path) && !setup.home().isEmpty()) {
                path = Path.of(setup.home()).resolve(path.getFileName());
            }
            if (!Files.exists(path)) {
                throw RunFailure.ofMachine(
                        host,
                        host
                                + " has no FlipOut of this version in "
                                + path.getParent()
                                + ": build it there, or give --ship flipout.");
            }
            if (!Contents.classes(path).equals(part.digest())) {
                throw RunFailure.ofMachine(
                        host,
                        host
                                + " has another version of FlipOut than this machine ("
                                + path
                                + "): build the same there, or give --ship flipout.");
            }
            classPath.add(path.toString());
        }
    }

    /** Returns the file that Spark has brought here. */
    private Path shipped(Part part) throws IOException, RunFailure {
        Path file = Path.of(SparkFiles.get(part.shipped()));
        if (!Files.isRegularFile(file) || !Contents.sha256(file).equals(part.digest())) {
            throw RunFailure.ofMachine(
                    host, host + " was sent a damaged copy of " + part.path() + ": run again.");
        }
        return file;
    }

    /** Finds a folder or a file that trainings read. */
    private String find(Part input) throws IOException, RunFailure {
        if (input.isShipped()) {
            Path folder = scratch.resolve(input.shipped() + ".part");
            Path whole = scratch.resolve(input.shipped());
            Contents.unpack(Files.newInputStream(shipped(input)), folder);
            Files.move(folder, whole, StandardCopyOption.ATOMIC_MOVE);
            return whole.resolve(Path.of(input.path()).getFileName()).toString();
        }
        Path path = Path.of(input.path());
        if (!Files.exists(path)) {
            throw RunFailure.ofMachine(
                    host,
                    host
                            + " does not see "
                            + path
                            + ": share it with that machine at the same place, or give --ship"
                            + " data.");
        }
        if (!Contents.listing(path).equals(input.digest())) {
            throw RunFailure.ofMachine(
                    host,
                    host
                            + " sees other files in "
                            + path
                            + " than this machine: make them the same, or give --ship data.");
        }
        return input.path();
    }

    String host() {
        return host;
    }

    /** The folder where runs lie: that of all, or one of this machine alone. */
    Path runs() {
        return setup.isRunsShared() ? Path.of(setup.runs()) : scratch;
    }

    String classPath() {
        return String.join(File.pathSeparator, classPath);
    }

    /** Whether that is the path of an input on the driver's machine. */
    boolean has(String path) {
        return inputs.containsKey(path);
    }

    /** Where an input is that is at this path on the driver's machine. */
    String input(String path) {
        return inputs.get(path);
    }
}
