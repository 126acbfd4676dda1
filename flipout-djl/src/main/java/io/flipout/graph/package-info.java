/**
 * What a network computes, as a graph of few kinds of immutable nodes; passes that make it smaller,
 * each of which takes a graph and returns one that computes the same; and its paths.
 */
package io.flipout.graph;
