/**
 * What a run leaves on the disk: its folder, checkpoints, and the files in it. Knows {@code option}
 * for how options are written, {@code terminal} for what is said; never how a network is trained.
 */
package io.flipout.cli.run;
