package io.flipout.inference.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Threads that share kernels. */
@Timeout(60)
class WorkersTest {

    private static final int UNITS = 37;

    /**
     * Each unit adds to one of its own what its neighbour holds in the place of the step before.
     */
    private static Kernel step(int step, double cost) {
        return new Kernel() {
            @Override
            public int units() {
                return UNITS;
            }

            @Override
            public void run(float[] arena, int from, int to) {
                for (int i = from; i < to; i++) {
                    float before = step == 0 ? 0 : arena[(step - 1) * UNITS + (i + 1) % UNITS];
                    arena[step * UNITS + i] += before + 1;
                }
            }

            @Override
            public double cost() {
                return cost;
            }
        };
    }

    private static Kernel[] steps(int count) {
        Kernel[] kernels = new Kernel[count];
        for (int i = 0; i < count; i++) {
            // Some are too cheap to be shared.
            kernels[i] = step(i, i % 3 == 1 ? 10 : 100_000);
        }
        return kernels;
    }

    private static void assertEachUnitOnceInOrder(float[] arena, int steps) {
        for (int i = 0; i < arena.length; i++) {
            assertThat(arena[i]).isEqualTo(i / UNITS + 1);
        }
        assertThat(arena.length).isEqualTo(steps * UNITS);
    }

    @Test
    void eachUnitIsComputedOnceAndAfterTheKernelBefore() {
        for (int threads = 1; threads <= 4; threads++) {
            try (Workers workers = new Workers(threads)) {
                assertThat(workers.threads()).isEqualTo(threads);
                for (int repeat = 0; repeat < 200; repeat++) {
                    float[] arena = new float[20 * UNITS];
                    workers.run(steps(20), arena);
                    assertEachUnitOnceInOrder(arena, 20);
                }
            }
        }
    }

    @Test
    void severalCallersDoNotWaitForEachOther() throws InterruptedException {
        try (Workers workers = new Workers(3)) {
            AtomicReference<Throwable> failure = new AtomicReference<>();
            List<Thread> callers = new ArrayList<>();
            for (int caller = 0; caller < 4; caller++) {
                Thread thread =
                        new Thread(
                                () -> {
                                    for (int repeat = 0; repeat < 100; repeat++) {
                                        float[] arena = new float[10 * UNITS];
                                        workers.run(steps(10), arena);
                                        assertEachUnitOnceInOrder(arena, 10);
                                    }
                                });
                thread.setUncaughtExceptionHandler((t, e) -> failure.set(e));
                callers.add(thread);
                thread.start();
            }
            for (Thread thread : callers) {
                thread.join();
            }
            assertThat(failure.get()).isNull();
        }
    }

    @Test
    void aSleepingThreadWakesUp() throws InterruptedException {
        CountDownLatch both = new CountDownLatch(2);
        Kernel waits =
                new Kernel() {
                    @Override
                    public int units() {
                        return 2;
                    }

                    @Override
                    public void run(float[] arena, int from, int to) {
                        both.countDown();
                        try {
                            both.await();
                        } catch (InterruptedException e) {
                            throw new IllegalStateException(e);
                        }
                    }

                    @Override
                    public double cost() {
                        return 1e6;
                    }
                };
        try (Workers workers = new Workers(2)) {
            Thread.sleep(20);
            // Ends only if two threads take a unit each.
            workers.run(new Kernel[] {waits}, new float[0]);
        }
    }

    @Test
    void whatAKernelThrowsReachesTheCaller() {
        Kernel fails =
                new Kernel() {
                    @Override
                    public int units() {
                        return 8;
                    }

                    @Override
                    public void run(float[] arena, int from, int to) {
                        throw new IllegalArgumentException("no such function");
                    }

                    @Override
                    public double cost() {
                        return 1e6;
                    }
                };
        try (Workers workers = new Workers(2)) {
            assertThatThrownBy(() -> workers.run(new Kernel[] {fails}, new float[0]))
                    .hasMessageContaining("no such function");
            float[] arena = new float[3 * UNITS];
            workers.run(steps(3), arena);
            assertEachUnitOnceInOrder(arena, 3);
        }
    }

    @Test
    void closedThreadsLeaveTheWorkToTheCaller() {
        Workers workers = new Workers(2);
        workers.close();
        float[] arena = new float[3 * UNITS];
        workers.run(steps(3), arena);
        assertEachUnitOnceInOrder(arena, 3);
        assertThatThrownBy(() -> new Workers(0)).hasMessageContaining("1 or more");
    }
}
