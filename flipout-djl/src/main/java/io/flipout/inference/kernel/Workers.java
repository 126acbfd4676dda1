package io.flipout.inference.kernel;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * Threads that share the work of a network's kernels.
 *
 * <p>A kernel's units are cut into portions, and each thread that is free takes the next. The
 * caller goes on to the next kernel when all portions are done; no thread is waited for that took
 * none. Threads wait actively for a short time, so that kernels of some microseconds gain too, and
 * sleep when no network runs. One caller uses the threads at a time; another that comes meanwhile
 * computes alone, so callers never wait for each other. With one thread there is none but the
 * caller's.
 */
public final class Workers implements AutoCloseable {

    /** Kernels that cost less are not shared, in nanoseconds. */
    private static final double LEAST_KERNEL = 3_000;

    /** Nor are runs that cost less: to wake a thread takes some microseconds. */
    private static final double LEAST_RUN = 30_000;

    /** How long a thread waits for work before it sleeps, in nanoseconds. */
    private static final long PATIENCE = 50_000;

    /** So that a thread that comes late, or is held up, leaves its part to the others. */
    private static final int PORTIONS_PER_THREAD = 4;

    private final Thread[] helpers;
    private final AtomicBoolean taken = new AtomicBoolean();
    private final AtomicInteger asleep = new AtomicInteger();

    /**
     * The number of the kernel that is being computed, counted over all runs, in the upper half,
     * and the portions that are left of it in the lower. A portion is taken by counting down, which
     * fails if the kernel is no longer the same.
     */
    private final AtomicLong left = new AtomicLong();

    private final AtomicInteger done = new AtomicInteger();

    // Of the kernel that is being computed; written before its number is, and read by those only
    // who have taken a portion, which keeps it from ending.
    private Kernel kernel;
    private float[] arena;
    private int units;
    private int portions;

    private volatile Throwable failure;
    private volatile boolean closed;

    /**
     * Starts threads.
     *
     * @param threads the number of threads that share a run, the caller's included; 1 or more
     * @throws IllegalArgumentException if there is none
     */
    public Workers(int threads) {
        if (threads < 1) {
            throw new IllegalArgumentException(
                    threads + " threads compute nothing: take 1 or more.");
        }
        helpers = new Thread[threads - 1];
        for (int i = 0; i < helpers.length; i++) {
            helpers[i] = new Thread(this::help, "flipout-inference-" + (i + 1));
            helpers[i].setDaemon(true);
            helpers[i].start();
        }
    }

    /**
     * Returns the number of threads that share a run.
     *
     * @return 1 or more
     */
    public int threads() {
        return helpers.length + 1;
    }

    /**
     * Runs kernels one after the other.
     *
     * @param kernels the kernels
     * @param arena the arena they are bound to
     */
    public void run(Kernel[] kernels, float[] arena) {
        if (helpers.length == 0
                || closed
                || cost(kernels) < LEAST_RUN
                || !taken.compareAndSet(false, true)) {
            for (Kernel one : kernels) {
                one.run(arena, 0, one.units());
            }
            return;
        }
        try {
            for (Kernel one : kernels) {
                if (one.units() > 1 && one.cost() >= LEAST_KERNEL) {
                    share(one, arena);
                } else {
                    one.run(arena, 0, one.units());
                }
            }
        } finally {
            kernel = null;
            this.arena = null;
            taken.set(false);
        }
    }

    private static double cost(Kernel[] kernels) {
        double cost = 0;
        for (Kernel one : kernels) {
            cost += one.cost();
        }
        return cost;
    }

    private void share(Kernel one, float[] floats) {
        kernel = one;
        arena = floats;
        units = one.units();
        portions = Math.min(units, threads() * PORTIONS_PER_THREAD);
        done.set(0);
        long number = (left.get() >>> 32) + 1;
        left.set((number << 32) | portions);
        if (asleep.get() > 0) {
            for (Thread helper : helpers) {
                LockSupport.unpark(helper);
            }
        }
        for (long now = left.get(); (int) now > 0; now = left.get()) {
            if (left.compareAndSet(now, now - 1)) {
                portion((int) now - 1);
            }
        }
        for (int i = 0; done.get() < portions; i++) {
            pause(i);
        }
        Throwable thrown = failure;
        if (thrown != null) {
            failure = null;
            throw new IllegalStateException(thrown.getMessage(), thrown);
        }
    }

    private void portion(int portion) {
        try {
            int from = (int) ((long) units * portion / portions);
            int to = (int) ((long) units * (portion + 1) / portions);
            kernel.run(arena, from, to);
        } catch (RuntimeException | Error e) {
            failure = e;
        } finally {
            done.incrementAndGet();
        }
    }

    private void help() {
        long idleSince = System.nanoTime();
        int waits = 0;
        while (!closed) {
            long now = left.get();
            if ((int) now > 0) {
                if (left.compareAndSet(now, now - 1)) {
                    portion((int) now - 1);
                }
                waits = 0;
                continue;
            }
            if (waits++ == 0) {
                idleSince = System.nanoTime();
            }
            pause(waits);
            if (waits % 64 == 0 && System.nanoTime() - idleSince > PATIENCE) {
                asleep.incrementAndGet();
                if ((int) left.get() == 0 && !closed) {
                    LockSupport.park(this);
                }
                asleep.decrementAndGet();
                waits = 0;
            }
        }
    }

    /** Waits actively, but gives way where there are more threads than processors. */
    private static void pause(int waits) {
        if (waits % 1024 == 1023) {
            LockSupport.parkNanos(1);
        } else {
            Thread.onSpinWait();
        }
    }

    /** Ends the threads. Runs that come later are computed by their callers alone. */
    @Override
    public void close() {
        closed = true;
        for (Thread helper : helpers) {
            LockSupport.unpark(helper);
        }
    }
}
