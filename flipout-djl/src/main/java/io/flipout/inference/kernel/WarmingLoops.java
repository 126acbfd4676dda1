package io.flipout.inference.kernel;

import org.slf4j.LoggerFactory;

/**
 * The loops of the Vector API, after so much work that their start pays: until then {@link
 * TwinLoops} compute the same. So the first answer of a pruned network is there in half the time.
 */
final class WarmingLoops implements Loops {

    /** Multiplications and additions: more than ResNet-18 takes with one weight in a thousand. */
    private static final long ENOUGH = 2_000_000;

    /** Threads that count at once may lose some of each other's; that does not matter. */
    private long done;

    private volatile Loops loops = TwinLoops.INSTANCE;
    private volatile boolean warm;

    /** Which loops compute what comes next, if it takes so many multiplications. */
    private Loops next(long multiplications) {
        if (!warm) {
            done += multiplications;
            if (done > ENOUGH) {
                warm();
            }
        }
        return loops;
    }

    /** From now on by vectors, unless this Java's module is not the one that they know. */
    private synchronized void warm() {
        if (!warm) {
            try {
                loops =
                        Class.forName(Loops.class.getPackageName() + ".VectorLoops")
                                .asSubclass(Loops.class)
                                .getDeclaredConstructor()
                                .newInstance();
            } catch (ReflectiveOperationException | LinkageError e) {
                LoggerFactory.getLogger(Loops.class)
                        .warn(
                                "This Java's {} is not the one that FlipOut knows ({}):"
                                        + " inference runs without it, several times slower.",
                                MODULE,
                                e.toString());
            }
            warm = true;
        }
    }

    @Override
    public void taps(float[] arena, Taps taps, int group, int from, int to) {
        long count = (long) (taps.starts[to] - taps.starts[from]) * taps.run;
        next(count).taps(arena, taps, group, from, to);
    }

    @Override
    public void features(float[] arena, Features features, int group, int from, int to) {
        long count = (long) (features.starts[to] - features.starts[from]) * features.lanes;
        next(count).features(arena, features, group, from, to);
    }

    @Override
    public void move(float[] arena, Gather gather, int from, int to, int source, int target) {
        next(0).move(arena, gather, from, to, source, target);
    }

    @Override
    public void pool(float[] arena, Pooling pooling, int source, int target) {
        next(0).pool(arena, pooling, source, target);
    }
}
