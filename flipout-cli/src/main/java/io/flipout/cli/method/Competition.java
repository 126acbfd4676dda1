package io.flipout.cli.method;

/** How weights compete. */
enum Competition {
    /** All of the network with each other. */
    GLOBAL,
    /** Those of each layer. */
    LAYER
}
