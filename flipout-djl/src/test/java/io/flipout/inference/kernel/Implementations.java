package io.flipout.inference.kernel;

import java.util.List;

/** The loops that there are on this JVM. */
final class Implementations {

    private Implementations() {}

    static boolean haveVectors() {
        return ModuleLayer.boot().findModule(Loops.MODULE).isPresent();
    }

    static List<Loops> all() {
        return haveVectors()
                ? List.of(ScalarLoops.INSTANCE, TwinLoops.INSTANCE, vectors())
                : List.of(ScalarLoops.INSTANCE, TwinLoops.INSTANCE);
    }

    /** A method of its own: without the module the class cannot be loaded. */
    static Loops vectors() {
        return new VectorLoops();
    }
}
