// The bundle of ports that one driver hands to the engine. Not owned; outlives the engine.
#pragma once

#include "port/block_graph.h"
#include "port/instant_capture.h"
#include "port/lifecycle.h"
#include "port/volume.h"

namespace stasis::port {

struct Ports {
    Lifecycle& lifecycle;
    InstantCapture& capture;
    BlockGraph& blocks;
    Volume& volume;
    StateFiles& files;
};

}  // namespace stasis::port
