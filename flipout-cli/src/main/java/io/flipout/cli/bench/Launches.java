package io.flipout.cli.bench;

import ai.djl.pytorch.jni.JniUtils;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Counts the operations of PyTorch that a piece of work calls: what a GPU is asked for one by one.
 *
 * <p>PyTorch's profiler writes down when each began and how long it took. One that lies within the
 * time of another on the same thread was called by that one and does not count. A record without a
 * namespace, such as {@code forward}, is the method of a script: what its text calls counts in its
 * place.
 */
final class Launches {

    private static final ObjectMapper JSON = new ObjectMapper();

    /** What the profiler calls the records of the host, beside those of a GPU's kernels. */
    private static final String HOST = "CPU Functions";

    private Launches() {}

    /** A record of the profiler, in microseconds. */
    private record Event(String name, double begin, double end) {

        boolean isOperation() {
            return name.contains("::");
        }

        boolean holds(Event other) {
            return other.begin < end && other.end <= end;
        }
    }

    /**
     * Does the work and counts.
     *
     * @throws UncheckedIOException if the profiler's file cannot be written or read
     */
    static int of(Runnable work) {
        try {
            Path file = Files.createTempFile("flipout-profile-", ".json");
            try {
                JniUtils.startProfile(false, false, false);
                try {
                    work.run();
                } finally {
                    JniUtils.stopProfile(file.toString());
                }
                return count(JSON.readTree(file.toFile()));
            } finally {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Counts the operations in a trace in Chrome's format: an array of records. */
    static int count(JsonNode trace) {
        Map<String, List<Event>> threads = new TreeMap<>();
        for (JsonNode record : trace) {
            if (record.path("ph").asText().equals("X")
                    && record.path("pid").asText().equals(HOST)) {
                double begin = record.path("ts").asDouble();
                threads.computeIfAbsent(record.path("tid").asText(), t -> new ArrayList<>())
                        .add(
                                new Event(
                                        record.path("name").asText(),
                                        begin,
                                        begin + record.path("dur").asDouble()));
            }
        }
        return threads.values().stream().mapToInt(Launches::count).sum();
    }

    /** Counts those of one thread, where records are either apart or one within the other. */
    private static int count(List<Event> events) {
        events.sort(
                Comparator.comparingDouble(Event::begin)
                        .thenComparing(Comparator.comparingDouble(Event::end).reversed())
                        .thenComparing(Event::isOperation));
        Deque<Event> around = new ArrayDeque<>();
        int count = 0;
        for (Event event : events) {
            while (!around.isEmpty() && !around.peek().holds(event)) {
                around.pop();
            }
            if (event.isOperation() && around.stream().noneMatch(Event::isOperation)) {
                count++;
            }
            around.push(event);
        }
        return count;
    }
}
