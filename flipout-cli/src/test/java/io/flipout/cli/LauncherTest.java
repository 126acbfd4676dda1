package io.flipout.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The script {@code ./flipout}, with a Maven and a Java that only say what they are told. */
class LauncherTest {

    @TempDir private Path folder;

    private Path project;
    private Path source;

    @BeforeEach
    void writeProject() throws IOException {
        project = Files.createDirectories(folder.resolve("a project"));
        Path script = Files.copy(Path.of("..", "flipout"), project.resolve("flipout"));
        assertThat(script.toFile().setExecutable(true)).isTrue();
        source = project.resolve("core/src/main/Source.java");
        Files.createDirectories(source.getParent());
        Files.writeString(source, "first");
        program(
                "tools/mvn",
                "for word; do case $word in -Dflipout.dist=*) dist=${word#*=};; esac; done",
                "[ -z \"$BROKEN\" ] || exit 1",
                "cp '" + source + "' \"$dist/classes.jar\"");
        program("jdk/bin/java", "[ -z \"$WAITS\" ] || cat", "env", "printf '<%s>\\n' \"$@\"");
        version("17.0.15");
    }

    private void program(String name, String... lines) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, "#!/bin/sh\n" + String.join("\n", lines) + "\n");
        assertThat(file.toFile().setExecutable(true)).isTrue();
    }

    private void version(String version) throws IOException {
        Files.writeString(folder.resolve("jdk/release"), "JAVA_VERSION=\"" + version + "\"\n");
    }

    /** Changes the source, later than anything that was built. */
    private void change(String text) throws IOException {
        Files.writeString(source, text);
        Files.setLastModifiedTime(source, FileTime.from(Instant.now().plusMillis(10)));
    }

    private Process start(Map<String, String> environment, String... command) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
        builder.redirectErrorStream(true);
        Map<String, String> all = builder.environment();
        all.keySet().removeIf(name -> name.startsWith("LC_") || name.equals("LANG"));
        all.remove("FLIPOUT_JAVA_OPTIONS");
        all.put("JAVA_HOME", folder.resolve("jdk").toString());
        all.put("PATH", folder.resolve("tools") + ":" + System.getenv("PATH"));
        all.putAll(environment);
        all.values().removeIf(String::isEmpty);
        return builder.start();
    }

    private List<String> run(Map<String, String> environment, String... command) throws Exception {
        Process process = start(environment, command);
        process.getOutputStream().close();
        String text = new String(process.getInputStream().readAllBytes(), UTF_8);
        assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
        List<String> lines = new ArrayList<>(text.lines().toList());
        lines.add("status " + process.exitValue());
        return lines;
    }

    private List<String> run(String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of(project.resolve("flipout").toString()));
        command.addAll(List.of(arguments));
        return run(Map.of(), command.toArray(String[]::new));
    }

    /** The folder of the build that Java was started with. */
    private static Path build(List<String> lines) {
        String classPath =
                lines.stream().filter(line -> line.endsWith("/*>")).findFirst().orElseThrow();
        return Path.of(classPath.substring(1, classPath.length() - 3));
    }

    private List<Path> builds() throws IOException {
        try (Stream<Path> all = Files.list(project.resolve("flipout-cli/target/builds"))) {
            return all.filter(p -> p.getFileName().toString().startsWith("cpu.")).toList();
        }
    }

    @Test
    void itBuildsOnceAndPassesWordsOn() throws Exception {
        List<String> first = run("train", "--out", "a b", "*", "");
        assertThat(first.get(0)).startsWith("Building FlipOut");
        assertThat(first)
                .containsSequence(
                        "<io.flipout.cli.Main>", "<train>", "<--out>", "<a b>", "<*>", "<>");
        assertThat(build(first)).hasParent(project.resolve("flipout-cli/target/builds"));
        List<String> second = run("train");
        assertThat(second).noneMatch(line -> line.startsWith("Building"));
        assertThat(build(second)).isEqualTo(build(first));
    }

    @Test
    void sparkIsFetchedWhereItIsAskedFor() throws Exception {
        Path builds = project.resolve("flipout-cli/target/builds");
        assertThat(run("compare", "--out", "--sparse", "--jobs", "2"))
                .noneMatch(line -> line.matches("(Building what|<-Dflipout).*"));
        String script = project.resolve("flipout").toString();
        assertThat(run(Map.of("BROKEN", "1"), script, "compare", "--spark", "yarn"))
                .anyMatch(line -> line.startsWith("flipout: Spark could not be fetched"))
                .endsWith("status 1");
        assertThat(builds.resolve("spark")).doesNotExist();
        for (String[] words :
                new String[][] {{"compare", "--spark", "yarn"}, {"compare", "--spark=yarn"}}) {
            List<String> lines = run(words);
            Path spark = builds.resolve("spark").toRealPath();
            assertThat(lines)
                    .contains("<-Dflipout.spark=" + spark + ">")
                    .contains("<-Dflipout.home=" + builds.resolve("cpu") + ">")
                    .endsWith("<" + words[words.length - 1] + ">", "status 0");
        }
        List<String> jar = run("spark", "jar");
        assertThat(jar)
                .containsExactly(
                        builds.resolve("spark").toRealPath().resolve("flipout-spark.jar") + "",
                        "status 0");
        change("second");
        assertThat(run("spark", "jar"))
                .anyMatch(line -> line.startsWith("Building FlipOut"))
                .anyMatch(line -> line.startsWith("Building what Spark needs"));
        assertThat(run("spark", "matser"))
                .containsExactly("flipout: 'spark' takes master, worker or jar.", "status 2");
    }

    @Test
    void itMayBeCalledThroughLinksFromAnywhere() throws Exception {
        Path links = Files.createDirectories(folder.resolve("some bin"));
        Files.createSymbolicLink(folder.resolve("near"), Path.of("a project/flipout"));
        Files.createSymbolicLink(links.resolve("far"), Path.of("../near"));
        Files.createSymbolicLink(folder.resolve("bin"), Path.of("some bin"));
        Path build = build(run("train"));
        for (String[] command :
                new String[][] {{"./near"}, {"some bin/far"}, {"./bin/far"}, {"bash", "near"}}) {
            assertThat(build(run(Map.of("CDPATH", folder + ":/"), command))).isEqualTo(build);
        }
        Map<String, String> found = Map.of("PATH", links + ":" + System.getenv("PATH"));
        assertThat(build(run(found, "sh", "-c", "far"))).isEqualTo(build);
    }

    @Test
    void aHomeIsNotNeeded() throws Exception {
        Map<String, String> none = Map.of("HOME", "");
        assertThat(run(none, project.resolve("flipout").toString())).contains("status 0");
    }

    /** What runs keeps its classes; what nobody runs from any more is removed. */
    @Test
    void aBuildDoesNotDisturbWhatRuns() throws Exception {
        run("train");
        Process running =
                start(Map.of("WAITS", "1"), project.resolve("flipout").toString(), "compare");
        try {
            running.getOutputStream().write("ready\n".getBytes(UTF_8));
            running.getOutputStream().flush();
            assertThat(running.inputReader().readLine()).isEqualTo("ready");
            change("second");
            Path second = build(run("train"));
            assertThat(second.resolve("classes.jar")).hasContent("second");
            running.getOutputStream().close();
            Path first = build(running.inputReader().lines().toList());
            assertThat(first).isNotEqualTo(second);
            assertThat(first.resolve("classes.jar")).hasContent("first");
            assertThat(running.waitFor()).isZero();
        } finally {
            running.destroy();
        }
        change("third");
        assertThat(builds()).hasSize(2);
        assertThat(build(run("train")).resolve("classes.jar")).hasContent("third");
        assertThat(builds()).hasSize(1);
    }

    @Test
    void aBuildThatFailsLeavesTheOneBefore() throws Exception {
        Path first = build(run("train"));
        change("broken");
        List<String> failed =
                run(Map.of("BROKEN", "1"), project.resolve("flipout").toString(), "train");
        assertThat(failed).contains("flipout: the build failed; see above.", "status 1");
        assertThat(builds()).containsExactly(first);
        assertThat(build(run("train")).resolve("classes.jar")).hasContent("broken");
    }

    @Test
    void javaIsToldWhatItWouldWarnOf() throws Exception {
        String[] flags = {
            "<--enable-native-access=ALL-UNNAMED>", "<--sun-misc-unsafe-memory-access=allow>"
        };
        assertThat(run("train")).doesNotContain(flags);
        for (String newer : List.of("24", "25.0.3", "26-ea")) {
            version(newer);
            assertThat(run("train")).contains(flags);
        }
        version("11.0.1");
        assertThat(run("train"))
                .containsExactly(
                        "flipout: Java 11 is too old: install a JDK 17 or newer, or point JAVA_HOME"
                                + " to one.",
                        "status 1");
    }

    @Test
    void lettersBeyondAsciiAreKnownInEveryLocale() throws Exception {
        String script = project.resolve("flipout").toString();
        assertThat(run(Map.of("LC_ALL", "C"), script)).contains("LC_ALL=C.UTF-8");
        assertThat(run(Map.of("LC_ALL", "POSIX"), script)).contains("LC_ALL=C.UTF-8");
        assertThat(run(Map.of("LANG", "C"), script)).contains("LC_CTYPE=C.UTF-8", "LANG=C");
        assertThat(run(Map.of(), script)).contains("LC_CTYPE=C.UTF-8");
        assertThat(run(Map.of("LC_ALL", "C.UTF-8"), script)).contains("LC_ALL=C.UTF-8");
        assertThat(run(Map.of("LANG", "C.UTF-8"), script))
                .noneMatch(line -> line.startsWith("LC_"));
    }

    @Test
    void whatTrainsHasTheCollectorForLargeArraysUnlessAnotherIsAskedFor() throws Exception {
        String parallel = "<-XX:+UseParallelGC>";
        assertThat(run("train")).contains(parallel);
        assertThat(run("bench", "prune")).contains(parallel);
        assertThat(run("bench", "infer")).doesNotContain(parallel);
        assertThat(run("predict", "train")).doesNotContain(parallel);
        String script = project.resolve("flipout").toString();
        Map<String, String> own = Map.of("FLIPOUT_JAVA_OPTIONS", "-XX:+UseSerialGC");
        assertThat(run(own, script, "train"))
                .contains("<-XX:+UseSerialGC>")
                .doesNotContain(parallel);
        // Java refuses to start with two.
        for (String name : List.of("JDK_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS")) {
            assertThat(run(Map.of(name, "-Da=b -XX:+UseZGC"), script, "train"))
                    .doesNotContain(parallel);
            assertThat(run(Map.of(name, "-XX:ParallelGCThreads=2"), script, "train"))
                    .contains(parallel);
        }
    }

    @Test
    void optionsOfJavaAreTakenByTheWord() throws Exception {
        Map<String, String> options = Map.of("FLIPOUT_JAVA_OPTIONS", " -Xmx8g\t-Da=*\n-Db=1 ");
        assertThat(run(options, project.resolve("flipout").toString(), "train"))
                .containsSequence("<-Xmx8g>", "<-Da=*>", "<-Db=1>", "<-cp>");
    }
}
