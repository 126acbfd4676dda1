package io.flipout.djl;

import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Locale;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Shows a reader of files what damage or malice may make of them. A reader may read such a file, or
 * throw what it says that it throws, with a sentence that names the file; it may do nothing else,
 * and neither take memory nor time that the file's size does not account for.
 */
public final class Fuzz {

    /** How much is tried: 1 is for every build, -Dflipout.fuzz=100 the long form. */
    private static final int TIMES = Integer.getInteger("flipout.fuzz", 1);

    /** What all mutations of a file may take; one that does not end shows by it. */
    private static final Duration LIMIT = Duration.ofMinutes(2);

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private Fuzz() {}

    /** Reads the file, wherever it is. */
    @FunctionalInterface
    public interface Reader {
        /**
         * Reads it.
         *
         * @throws Exception if it is not as it should be
         */
        void read() throws Exception;
    }

    /**
     * Damages a file again and again, always alike.
     *
     * @param file the file, whole again in the end
     * @param times how often
     * @param memory bytes of Java's memory that reading it may take
     * @param thrown what the reader may throw
     * @param reader the reader
     * @return how often the file was refused
     * @throws Exception if the file itself cannot be read
     */
    public static int damage(
            Path file,
            int times,
            long memory,
            Set<Class<? extends Exception>> thrown,
            Reader reader)
            throws Exception {
        byte[] whole = Files.readAllBytes(file);
        SplittableRandom random = new SplittableRandom(20092594);
        AtomicInteger mutation = new AtomicInteger();
        int refused =
                assertTimeoutPreemptively(
                        LIMIT.multipliedBy(TIMES),
                        () -> {
                            reader.read(); // What is loaded only once is not counted below.
                            int count = 0;
                            while (mutation.incrementAndGet() <= times * TIMES) {
                                overwrite(file, Mutations.of(whole, random));
                                if (isRefused(file, mutation.get(), memory, thrown, reader)) {
                                    count++;
                                }
                            }
                            return count;
                        },
                        () -> file + " takes too long from mutation " + mutation + " on.");
        Files.write(file, whole);
        return refused;
    }

    /** Cuts the file after writing it: one that is emptied before goes to the disk at once. */
    private static void overwrite(Path file, byte[] bytes) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.wrap(bytes));
            channel.truncate(bytes.length);
        }
    }

    /**
     * Measures what a reader takes.
     *
     * @param reader a reader that works in this thread
     * @return bytes of Java's memory, whether they are free again or not
     * @throws Exception what the reader throws
     */
    public static long memory(Reader reader) throws Exception {
        long before = THREADS.getCurrentThreadAllocatedBytes();
        reader.read();
        return THREADS.getCurrentThreadAllocatedBytes() - before;
    }

    private static boolean isRefused(
            Path file,
            int mutation,
            long memory,
            Set<Class<? extends Exception>> thrown,
            Reader reader) {
        long before = THREADS.getCurrentThreadAllocatedBytes();
        Throwable fault = null;
        try {
            reader.read();
        } catch (Throwable e) {
            fault = e;
        }
        long taken = THREADS.getCurrentThreadAllocatedBytes() - before;
        if (fault != null
                && (!thrown.contains(fault.getClass())
                        || fault.getMessage() == null
                        || !fault.getMessage().contains(file.getFileName().toString()))) {
            throw new AssertionError(
                    "Mutation " + mutation + " of " + file.getFileName() + ": " + fault, fault);
        }
        if (taken > memory) {
            throw new AssertionError(
                    String.format(
                            Locale.ROOT,
                            "Mutation %d of %s takes %,d bytes.",
                            mutation,
                            file.getFileName(),
                            taken),
                    fault);
        }
        return fault != null;
    }
}
